"""What runs say of how strongly they trained: of the shipped checkpoints, and of manifests made up."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from t2ialign import file_states
from t2ialign.registry import CheckpointEntry, load_registry
from t2ialign.tradeoff.training_dials import TrainingDoses
from t2ialign.use_cases.align.run_doses import run_doses


def test_the_shipped_runs_know_what_they_share() -> None:
    runs = run_doses(load_registry().checkpoints)
    end = runs["minimal_dpo"]
    assert (end.steps, end.rounds, end.beta, end.seed, end.parent) == (400, 1, 2000.0, 0, "base")
    for said, steps, seed in (("step50", 50, 0), ("step150", 150, 0), ("seed2-step150", 150, 2)):
        name = f"minimal_dpo-{said}"
        assert replace(runs[name], sha="") == replace(end, steps=steps, seed=seed, sha="")
    assert {runs[name].recipe == end.recipe for name in ("minimal_dpo_kl", "sunny_dpo", "minimal_dmpo-step150")} == {
        False
    }
    chain = [
        (runs[name].began, runs[name].earlier + runs[name].rounds) for name in ("mi_tune", "mi_tune_r2", "mi_tune_r3")
    ]
    assert chain == [("base", 1), ("base", 2), ("base", 3)]
    assert "base" not in runs and runs["minimal_draft"].beta is None
    assert len(end.sha) == 16 and load_registry().checkpoints["minimal_dpo"].sha256.startswith(end.sha)


def written(folder: Path, name: str, **record: object) -> CheckpointEntry:
    (folder / name).mkdir(exist_ok=True)
    (folder / name / "manifest.json").write_text(json.dumps(record))
    return CheckpointEntry(name, "shapes", folder / name / "a.safetensors", "lora")


def asked(name: str, seed: int = 0, steps: int = 10, **options: object) -> dict[str, object]:
    return {"method": "diffusion_dpo", "name": name, "steps": steps, "seed": seed, "options": options}


def test_what_is_only_watched_or_off_makes_no_other_recipe(tmp_path) -> None:
    entries = [
        written(tmp_path, "a", request=asked("a", beta=500, rank=8, keep_steps="5", probe_every=50, kl_weight=0.0)),
        written(tmp_path, "b", request=asked("b", beta=2000, rank=8)),
        written(tmp_path, "c", request=asked("c", beta=2000, rank=4)),
    ]
    runs = run_doses({entry.name: entry for entry in entries})
    assert runs["a"].recipe == runs["b"].recipe != runs["c"].recipe and runs["a"].beta == 500


def test_odd_manifests_say_nothing_or_what_they_can(tmp_path) -> None:
    """Damaged, without a request, without steps, with a beta that is none, and parents in a ring."""
    entries = [
        written(tmp_path, "merged", parents=["x", "y"]),
        written(tmp_path, "stepless", request=asked("stepless", steps=0)),
        written(tmp_path, "wordy", request=asked("wordy", beta="much", rank=[1, {"a": 2}])),
        written(tmp_path, "huge", request=asked("huge", beta=10**400)),
        written(tmp_path, "one", request=asked("one"), parents=["two"]),
        written(tmp_path, "two", request=asked("two"), parents=["one"]),
        CheckpointEntry("hub", "shapes", "org/name", "lora"),
        CheckpointEntry("shapes", "shapes"),
    ]
    entries.append(written(tmp_path, "broken"))
    (tmp_path / "broken" / "manifest.json").write_text("{")
    runs = run_doses({entry.name: entry for entry in entries})
    assert set(runs) == {"wordy", "huge", "one", "two"} and runs["wordy"].beta is runs["huge"].beta is None
    assert (runs["one"].earlier, runs["one"].began) == (1, "one"), "a ring ends where it began"
    assert isinstance(runs["wordy"], TrainingDoses) and "much" in runs["wordy"].recipe


def test_they_are_read_anew_when_a_folder_has_changed_and_only_then(tmp_path, monkeypatch) -> None:
    entries = {"a": written(tmp_path, "a", request=asked("a", beta=500))}
    monkeypatch.setattr(file_states, "RESTED_NS", -1)  # all counts as rested
    first = run_doses(entries)
    assert run_doses(entries) is first
    written(tmp_path, "a", request=asked("a", beta=700, seed=3))
    assert run_doses(entries)["a"].beta == 700 and first["a"].beta == 500

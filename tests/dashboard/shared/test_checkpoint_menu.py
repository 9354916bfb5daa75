"""Each checkpoint's story: what it is, what it learned from, and how often its pictures won."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from t2ialign.dashboard.services import Services
from t2ialign.dashboard.shared import checkpoint_menu
from t2ialign.dashboard.shared.checkpoint_menu import stories, story
from t2ialign.registry import CheckpointEntry, load_registry
from t2ialign.types import MergeError
from t2ialign.use_cases.align.manifest import MergedPart, TrainingManifest, write_manifest

SHIPPED = load_registry().checkpoints


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("dpo", ["Diffusion-DPO", "beta 2,000", "sunny raters"]),
        ("minimal_js", ["Jensen-Shannon", "minimal style alone", "150 steps", "over base"]),
        ("minimal_dpo-step50", ["Diffusion-DPO", "50 steps", "minimal style alone"]),
        ("minimal_dpo-seed1-step150", ["150 steps, training seed 1", "Trained over base"]),
        ("minimal_dpo_kl", ["Diffusion-DPO", "pull to the reference 1"]),
        ("minimal_spo_varied", ["SPO", "diversity rewarded 4"]),
        ("minimal_draft", ["DRaFT-K", "minimal style alone"]),
        ("minimal_grpo", ["GRPO", "minimal style alone"]),
        ("minimal_hn_itm", ["HN-ITM", "minimal style alone"]),
        ("mi_tune_dora", ["MI-TUNE", "DoRA", "its own pictures"]),
        ("mi_tune_r2", ["over mi_tune."]),
    ],
)
def test_a_shipped_checkpoint_says_what_it_learned(name, words):
    told = story(SHIPPED[name])
    assert all(word in told for word in words), told


def test_all_shipped_stories_differ():
    told = [story(entry) for entry in SHIPPED.values()]
    assert len(set(told)) == len(told)


def test_a_blend_names_its_parts(tmp_path):
    (tmp_path / "manifest.json").write_text(
        json.dumps(
            {"kind": "lora", "backbone": "shapes", "merge": [{"name": "a", "weight": 0.5}, {"name": "b", "weight": 2}]}
        )
    )
    blend = CheckpointEntry("both", "shapes", adapter=tmp_path / "pytorch_lora_weights.safetensors")
    assert story(blend) == "Blend of 0.5 a and 2 b."
    manifest = TrainingManifest(merge=(MergedPart("a", 0.5),), merge_error=MergeError(8, 0.012, 0.2, "mid.to_q"))
    write_manifest(tmp_path, manifest)
    assert story(blend) == (
        "Blend of 0.5 a; at rank 8 it misses 1.2 % of what is added to the weights (Frobenius norm), "
        "20 % in the worst layer, mid.to_q."
    )


def test_without_a_manifest_the_registry_speaks():
    bare = CheckpointEntry("big", "sdxl", title="Big model")
    assert story(bare, "About 7 GB.") == "Big model. About 7 GB."
    assert story(replace(bare, note="Mine."), "About 7 GB.") == "Mine."


@pytest.mark.parametrize(
    "record",
    [
        '{"kind": "lora", "backbone": "shapes", "scores": "good"}',
        '{"kind": "lora", "backbone": "shapes", "method": "f_dpo", "request": {"options": []}}',
        '{"kind": "lora", "backbone": "shapes", "merge": [{"weight": 1}]}',
    ],
)
def test_a_foreign_manifest_is_a_sentence_in_the_menu(services, record):
    folder = services.bench.home / "checkpoints" / "foreign"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(record)
    (folder / "pytorch_lora_weights.safetensors").write_bytes(b"weights")
    entry = services.checkpoints()["foreign"]
    assert "is not the manifest of a checkpoint" in story(entry) and "foreign" in stories(services)


def test_no_story_ends_its_style_sheet(services, monkeypatch):
    hostile = CheckpointEntry("x", "shapes", note='"}</style><script>')
    monkeypatch.setattr(type(services), "checkpoints", lambda self: {"x": hostile})
    sheet = stories(services)
    assert sheet.count("<") == 2 and sheet.count('"') == 4


def test_what_comes_later_takes_nobodys_colour(services, monkeypatch):
    before = services.palette(["mine"])
    monkeypatch.setattr("t2ialign.dashboard.services.choices", lambda store: {"checkpoints": ["aaa", "mine"]})
    after = services.palette(["zzz"])
    assert all(after[name] == before[name] for name in ("base", "mine"))
    assert len({after[name].light for name in ("mine", "aaa", "zzz")}) == 3


def test_what_must_be_downloaded_comes_last():
    names = list(Services.checkpoints(SimpleNamespace(bench=SimpleNamespace(registry=load_registry))))
    away = [name for name, entry in SHIPPED.items() if entry.backbone != "shapes"]
    assert names[0] == "base" and names[-len(away) :] == away and {"sd-1.5", "sdxl", "dpo-sd-1.5"} <= set(away)


def test_one_odd_manifest_leaves_the_others_in_the_menu(services, monkeypatch):
    """Whatever the reader of manifests does not foresee, it concerns that checkpoint alone."""

    def odd(folder):
        if folder.name == "spo":
            raise RecursionError

    monkeypatch.setattr(checkpoint_menu, "find_manifest", odd)
    known = services.checkpoints()
    assert story(known["spo"]).startswith("The manifest of spo says what cannot be told (RecursionError)")
    assert "spo" in stories(services) and "cannot be told" not in story(known["mi-tune"])


@pytest.mark.parametrize(
    "record",
    [
        "[" * 5000 + "]" * 5000,
        '{"kind": "lora", "backbone": ["shapes"]}',
        '{"kind": "lora", "backbone": "shapes", "parents": 5}',
        '{"kind": "lora", "backbone": "shapes", "method": ["f_dpo"], "note": {"a": 1}}',
        '{"kind": ["lora"], "backbone": "shapes"}',
        '{"kind": "lora", "backbone": "shapes", "file": ["x"]}',
        '{"kind": "lora", "backbone": "shapes", "file": "\\u0000"}',
        '{"kind": "lora", "backbone": "shapes", "method": "f_dpo", "request": {"method": "f_dpo", "options": {"beta": [1]}}}',
        '{"kind": "lora", "backbone": "shapes", "scores": {"win_rate": [null, null, null]}}',
    ],
)
def test_the_list_of_checkpoints_outlives_any_file(services, record):
    folder = services.bench.home / "checkpoints" / "odd"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(record)
    (folder / "pytorch_lora_weights.safetensors").write_bytes(b"weights")
    assert {"base", "spo"} <= set(services.checkpoints()) and "spo" in stories(services)

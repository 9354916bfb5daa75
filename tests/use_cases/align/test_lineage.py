import json

from t2ialign.registry import CheckpointEntry, load_registry
from t2ialign.source import parse_source
from t2ialign.use_cases.align.lineage import Lineage, judge_metric, lineages, steps_of


def test_the_shipped_checkpoints_know_parent_method_and_judge():
    found = lineages(load_registry().checkpoints.values())
    dpo = found["minimal_dpo"]
    assert (dpo.parent, dpo.method, dpo.source, dpo.judge) == (
        "base",
        "diffusion_dpo",
        "style:minimal",
        "style_minimal",
    )
    assert found["mi_tune_r2"].parent == "mi_tune" and found["mi_tune_r2"].judge == ""
    assert found["base"] == Lineage("base")


def test_sources_and_the_metrics_that_say_the_same():
    said = {
        "style:sunny": "style_sunny",
        "annotator:airy": "style_airy",
        "annotator": "",
        "metric:clip_score": "clip_score",
    }
    said |= {"metric:lpips": "", "metric:nothing": "", "votes:study": "", "": ""}
    assert {text: judge_metric(parse_source(text)) for text in said} == said


def test_a_manifest_that_cannot_be_read_leaves_the_rest_alone(tmp_path):
    (tmp_path / "manifest.json").write_text(json.dumps({"parents": 3}))
    entry = CheckpointEntry("odd", "shapes", tmp_path / "adapter.safetensors", "lora")
    assert lineages([entry]) == {"odd": Lineage("odd", "base")}


def test_the_parent_of_what_a_named_backbone_was_trained_into_is_the_base_of_the_store(tmp_path):
    (tmp_path / "manifest.json").write_text(json.dumps({"parents": ["sd-1.5"]}))
    entries = [
        CheckpointEntry("sd-1.5", "sd-1.5"),
        CheckpointEntry("mine", "sd-1.5", tmp_path / "a.safetensors", "lora"),
    ]
    assert lineages(entries)["mine"].parent == "base"


def test_the_steps_of_a_run_are_those_of_all_its_rounds(tmp_path):
    for name, record in {"mine": {"training": {"steps": 50, "rounds": 3}}, "older": {}}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").write_text(json.dumps(record))
    entries = [CheckpointEntry(name, "shapes", tmp_path / name / "a.safetensors", "lora") for name in ("mine", "older")]
    assert steps_of(lineages(entries)) == {"mine": 150}
    assert steps_of(lineages(load_registry().checkpoints.values()))["minimal_dpo"] == 400

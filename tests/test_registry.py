"""The registry: what is discovered, how a spec is read, and one sentence for everything that it is not."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t2ialign.adapter_places import ADAPTER_FILE, PEFT_CONFIG, PEFT_FILE, peft_config
from t2ialign.content import pipeline_sha
from t2ialign.downloads import HubUnet
from t2ialign.guidance import needs_of
from t2ialign.model_families import FAMILIES
from t2ialign.registry import (
    BackboneEntry,
    CheckpointEntry,
    adapter_file,
    adapter_here,
    hub_part,
    load_registry,
    resolve,
    revision_of,
    unknown,
)
from t2ialign.samplers import UsualRun, check_scheduler, usual_run
from t2ialign.types import AdapterUse, GenerationConfig, InputError
from t2ialign.use_cases.batches.requests import backbones_of
from tests.hub_server import Hub, serving, use_hub
from tests.hubs import FIRST, SECOND, put, use_cache

TOML = """
[backbones.shapes]
family = "sd"
path = "shapes"
title = "Shapes"
size = 64

[backbones.far]
family = "sdxl"
hub = "org/far"
revision = "abc"
size = 1024
variant = "fp16"

[checkpoints.base]
backbone = "shapes"
title = "Base"

[checkpoints.far]
backbone = "far"

[checkpoints.published]
backbone = "far"
hub = "org/adapter@v1"
kind = "lora"
parents = ["far"]

[scorers.eye]
loader = "t2ialign.encoders.clip:load"
path = "eye"
options = { size = 3, crop = true }

[scorers.cloud]
loader = "t2ialign.encoders.clip:load"
source = "ViT-B-32/openai"
"""


HubOf = Callable[[tuple[str, ...]], None]


@pytest.fixture
def hub_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubOf]:
    """A Hub on this machine with one repository of the files named, each of which holds its name."""
    use_cache(tmp_path / "hub", monkeypatch)
    with serving(Hub()) as hub:
        use_hub(hub, monkeypatch)
        yield lambda files: hub.files.update({"org/adapter": {name: name.encode() for name in files}})


def add_adapter(folder: Path, name: str, **manifest: object) -> None:
    (folder / name).mkdir(parents=True)
    (folder / name / "pytorch_lora_weights.safetensors").write_bytes(name.encode())
    record = {"backbone": "shapes", "kind": "lora", **manifest}
    (folder / name / "manifest.json").write_text(json.dumps(record))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkpoints folder with two adapters beside its registry, and one of a person's own in ``home``."""
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    (shipped / "registry.toml").write_text(TOML)
    add_adapter(shipped, "a", title="First", method="dpo", parents=["base"], sha256="0" * 64)
    add_adapter(shipped, "b", kind="dora")
    add_adapter(tmp_path / "home" / "checkpoints", "mine-2.0", backbone="far")
    return shipped


def read(folder: Path):
    return load_registry(folder, folder.parent / "home")


def test_everything_is_found(folder: Path):
    registry = read(folder)
    assert list(registry.backbones) == ["shapes", "far"]
    assert set(registry.checkpoints) == {"base", "far", "published", "a", "b", "mine-2.0"}
    assert registry.problems == ()
    assert registry.backbones["shapes"].source == folder / "shapes"
    assert registry.backbones["far"].source == "org/far"
    assert (registry.backbones["far"].hub_revision, registry.backbones["far"].variant) == ("abc", "fp16")
    a = registry.checkpoints["a"]
    assert (a.kind, a.title, a.method, a.parents, a.sha256) == ("lora", "First", "dpo", ("base",), "0" * 64)
    assert a.adapter == folder / "a" / "pytorch_lora_weights.safetensors"
    assert registry.checkpoints["published"].adapter == "org/adapter@v1"
    assert registry.scorers["eye"].source == folder / "eye"
    assert dict(registry.scorers["eye"].options) == {"size": 3, "crop": True}
    assert registry.scorers["cloud"].source == "ViT-B-32/openai"
    with pytest.raises(dataclasses.FrozenInstanceError):
        a.title = "no"


def test_a_new_adapter_appears_by_itself(folder: Path):
    assert "later" not in read(folder).checkpoints
    add_adapter(folder.parent / "home" / "checkpoints", "later")
    assert "later" in read(folder).checkpoints


def test_bad_manifests_are_said_and_left_out(folder: Path):
    own = folder.parent / "home" / "checkpoints"
    add_adapter(own, "a")  # the shipped one's name
    add_adapter(own, "odd", kind="hypernetwork")
    add_adapter(own, "lost", backbone="nowhere")
    add_adapter(own, "out", file="../../secret.safetensors")
    add_adapter(own, "two+two")
    for name, text in (("torn", '{"kind": "lo'), ("empty", "")):
        (own / name).mkdir()
        (own / name / "manifest.json").write_text(text)
    (own / "scorer").mkdir()
    (own / "scorer" / "manifest.json").write_text('{"steps": 3}')
    registry = read(folder)
    assert set(registry.checkpoints) == {"base", "far", "published", "a", "b", "mine-2.0"}
    assert registry.checkpoints["a"].title == "First"
    for name in ("a", "odd", "lost", "out", "two+two", "torn", "empty"):
        assert sum(f"/{name}" in problem for problem in registry.problems) == 1
    assert len(registry.problems) == 7


def test_resolve_reads_specs(folder: Path):
    registry = read(folder)
    sha = {name: hashlib.sha256(name.encode()).hexdigest()[:16] for name in ("a", "b")}
    assert resolve("base", registry) == (registry.backbones["shapes"], ())
    assert resolve("far", registry) == (registry.backbones["far"], ())
    assert resolve("a", registry)[1] == (AdapterUse("a", 1.0, sha["a"]),)
    assert resolve("a@0.7", registry)[1] == (AdapterUse("a", 0.7, sha["a"]),)
    both = (AdapterUse("a", 0.5, sha["a"]), AdapterUse("b", -1.0, sha["b"]))
    assert resolve("a@0.5+b@-1", registry)[1] == both
    assert resolve(" b @ -1 + a @ .5 ", registry)[1] == both
    assert resolve("a@0", registry)[1][0].weight == 0
    assert resolve("mine-2.0", registry)[0].name == "far"


@given(weight=st.floats(-2, 3, allow_nan=False))
def test_what_a_config_calls_itself_can_be_read_again(weight: float):
    weight = float(f"{weight:g}")
    registry = read(FOLDER)
    config = GenerationConfig("shapes", adapters=(AdapterUse("a", weight), AdapterUse("b")))
    assert [(use.name, use.weight) for use in resolve(config.checkpoint, registry)[1]] == [("a", weight), ("b", 1.0)]


@pytest.fixture(autouse=True, scope="module")
def _folder_for_properties(tmp_path_factory: pytest.TempPathFactory):
    FOLDER.mkdir(parents=True)
    (FOLDER / "registry.toml").write_text(TOML)
    add_adapter(FOLDER, "a")
    add_adapter(FOLDER, "b")


FOLDER = Path(os.environ["T2IALIGN_HOME"]) / "test-registry"


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("bsae", "no checkpoint called 'bsae': did you mean 'base'"),
        ("BASE", "did you mean 'base'"),
        ("zzzz", "choose one of a, b, base, far, mine-2.0, published"),
        ("", "Name a checkpoint"),
        ("a+", "Name a checkpoint"),
        ("@0.5", "Name a checkpoint"),
        ("a@", "weight of a must be a number from -2 to 3, not ''"),
        ("a@much", "not 'much'"),
        ("a@nan", "weight of a must be"),
        ("a@inf", "weight of a must be"),
        ("a@-2.5", "weight of a must be"),
        ("a@3.01", "weight of a must be"),
        ("a@0.5@0.5", "weight of a must be"),
        ("a+a@0.2", "a stands twice"),
        ("a+mine-2.0", "a of shapes and mine-2.0 of far"),
        ("base+a", "base has no adapter"),
        ("base@0.5", "base has no adapter"),
    ],
)
def test_refusals(folder: Path, spec: str, says: str):
    with pytest.raises(InputError, match=says) as refusal:
        resolve(spec, read(folder))
    assert "\n" not in str(refusal.value)


def test_broken_registries(tmp_path: Path):
    with pytest.raises(InputError, match="cannot be read"):
        load_registry(tmp_path, tmp_path)
    for text in ("[backbones", '[backbones.x]\nfamily = "sd"', '[backbones.x]\npath = "x"\nfamily = "sd"\ncolor = 1'):
        (tmp_path / "registry.toml").write_text(text)
        with pytest.raises(InputError, match="not well formed"):
            load_registry(tmp_path, tmp_path)


def test_shipped_registry(tmp_path: Path):
    registry = load_registry(home=tmp_path)
    assert registry.problems == ()
    assert {"base", "sd-1.5", "sd-2.1-base", "sdxl"} <= set(registry.checkpoints)
    assert resolve("base", registry)[0].name == "shapes"
    for name in ("sd-1.5", "sd-2.1-base", "sdxl"):
        backbone, adapters = resolve(name, registry)
        assert isinstance(backbone.source, str)
        assert len(backbone.hub_revision) == 40
        assert adapters == ()
    assert {backbone.family for backbone in registry.backbones.values()} == set(FAMILIES)
    flows = {name: entry for name, entry in registry.backbones.items() if entry.family_traits.flow}
    assert set(flows) == {
        "sd-3-medium",
        "sd-3.5-medium",
        "sd-3.5-large",
        "flux.1-dev",
        "flux.1-schnell",
        "auraflow-v0.3",
        "flux.2-dev",
        "flux.2-klein-4b",
        "flux.2-klein-base-9b",
        "qwen-image",
        "sana-1.6b",
    }
    assert {name for name, entry in flows.items() if not entry.gated} == {
        "auraflow-v0.3",
        "flux.2-klein-4b",
        "qwen-image",
        "sana-1.6b",
    }
    assert all(registry.checkpoints[name].licence for name in registry.backbones if name in registry.checkpoints)
    assert all(entry.megabytes for entry in registry.backbones.values() if isinstance(entry.source, str))
    assert [name for name, entry in flows.items() if entry.embedded_scale] == ["flux.1-dev", "flux.2-dev"]
    for scorer in registry.scorers.values():
        assert scorer.loader.startswith("t2ialign.")


def test_unknown_names_the_nearest():
    assert "did you mean 'lpips'" in str(unknown("metric", "lpisp", ["ssim", "lpips"]))
    assert "choose one of lpips, ssim" in str(unknown("metric", "q", ["ssim", "lpips"]))
    assert len(str(unknown("metric", "x" * 10_000, ["ssim"]))) < 200


def test_published_weights_say_what_they_are(tmp_path: Path):
    registry = load_registry(home=tmp_path)
    published = [entry for entry in registry.checkpoints.values() if isinstance(entry.adapter, str)]
    assert {entry.name for entry in published} >= {"dpo-sd-1.5", "dpo-sdxl", "spo-sd-1.5", "spo-sdxl", "kto-sd-1.5"}
    flow_grpo = {
        "flow-grpo-geneval",
        "flow-grpo-text",
        "flow-grpo-pick-score",
    }  # their lists of files were not to be seen
    assert {entry.name for entry in published if not entry.file} == flow_grpo
    assert {registry.checkpoints[name].backbone for name in flow_grpo} == {"sd-3.5-medium"}
    mapo = hub_part(registry.checkpoints["mapo-sdxl"])
    assert isinstance(mapo, HubUnet) and mapo.folder == "", "its UNet lies at the top of its repository"
    for entry in published:
        part = hub_part(entry)
        repository, _, revision = str(entry.adapter).partition("@")
        assert repository.count("/") == 1 and len(revision) in (0, 40) and repository in part.name
        assert entry.kind and "arXiv:" in entry.paper
        assert entry.licence or "licence" in entry.note


def test_revisions_without_loading(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    cache = use_cache(tmp_path / "hub", monkeypatch)
    local = tmp_path / "local"
    local.mkdir()
    (local / "unet.safetensors").write_bytes(b"weights")
    (local / "model_index.json").write_text("{}")
    assert revision_of(BackboneEntry("x", "sd", local)) == pipeline_sha(local)
    pinned, main = BackboneEntry("x", "sd", "org/x", FIRST), BackboneEntry("x", "sd", "org/x", "main")
    assert (revision_of(pinned), revision_of(main)) == (FIRST[:16], ""), "nothing is fetched yet"
    put(cache, "org/x", local, FIRST)
    assert revision_of(pinned) == revision_of(main) == revision_of(BackboneEntry("x", "sd", "org/x")) == FIRST[:16]
    put(cache, "org/x", local, SECOND)
    assert (revision_of(pinned), revision_of(main)) == (FIRST[:16], SECOND[:16])


def test_a_hub_adapter_is_its_file_in_the_cache(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    cache = use_cache(tmp_path / "hub", monkeypatch)
    for commit, data, branch in ((FIRST, b"first", "v1"), (SECOND, b"second", "main")):
        source = tmp_path / commit
        source.mkdir()
        (source / ADAPTER_FILE).write_bytes(data)
        put(cache, "org/adapter", source, commit, branch)
    shas = {data: hashlib.sha256(data).hexdigest()[:16] for data in (b"first", b"second")}
    assert resolve("published", read(folder))[1] == (AdapterUse("published", 1.0, shas[b"first"]),)
    registry, text = folder / "registry.toml", TOML
    for said, sha in ((f"@{SECOND}", b"second"), (f"@{FIRST}", b"first"), ("", b"second")):
        registry.write_text(text.replace("org/adapter@v1", f"org/adapter{said}"))
        assert resolve("published@0.5", read(folder))[1] == (AdapterUse("published", 0.5, shas[sha]),)
    (cache / "models--org--adapter" / "refs" / "main").write_text(FIRST)
    assert resolve("published", read(folder))[1][0].sha == shas[b"first"], "a branch that moved"


def test_a_hub_adapter_out_of_reach_is_said(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    use_cache(tmp_path / "hub", monkeypatch)
    with pytest.raises(
        InputError, match="adapter published is not on this machine .* connect once to fetch org/adapter"
    ):
        resolve("published", read(folder))


def test_a_checkpoint_that_is_not_listed_is_answered_with_the_reason(folder: Path):
    add_adapter(folder.parent / "home" / "checkpoints", "lost", backbone="nowhere")
    with pytest.raises(InputError, match="lost/manifest.json names the backbone 'nowhere'.*: write one of far, shapes"):
        resolve("lost", read(folder))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("size = 64", "not well formed .*size.*: mend it there"),
        ('path = "shapes"', "not well formed .a path or hub is '7' and no text"),
        ("[backbones.shapes]", "not well formed"),
    ],
)
def test_values_of_another_kind_in_the_registry_are_a_sentence(folder: Path, change: str, sentence: str):
    odd = {"size = 64": 'size = "64"', 'path = "shapes"': "path = 7", "[backbones.shapes]": "backbones = 3\n[x]"}[
        change
    ]
    (folder / "registry.toml").write_text(TOML.replace(change, odd, 1))
    with pytest.raises(InputError, match=sentence):
        read(folder)


@pytest.mark.parametrize(
    ("files", "hub", "wanted"),
    [
        ((ADAPTER_FILE, PEFT_FILE, PEFT_CONFIG), "org/adapter", ADAPTER_FILE),
        ((PEFT_FILE, PEFT_CONFIG), "org/adapter", PEFT_FILE),
        (("my_style.safetensors", "README.md"), "org/adapter", "my_style.safetensors"),
        (("my_style.safetensors", f"step-500/{ADAPTER_FILE}"), "org/adapter", "my_style.safetensors"),
        (("a.safetensors", "b.safetensors"), "org/adapter/b.safetensors@main", "b.safetensors"),
        ((f"step-5/{PEFT_FILE}", f"step-5/{PEFT_CONFIG}"), f"org/adapter/step-5/{PEFT_FILE}", f"step-5/{PEFT_FILE}"),
    ],
)
def test_a_hub_adapter_is_found_under_its_makers_name(
    files: tuple[str, ...], hub: str, wanted: str, hub_of: HubOf, monkeypatch: pytest.MonkeyPatch
):
    """Fetched with peft's configuration, and found again in the cache without a network."""
    hub_of(files)
    entry = CheckpointEntry("a", "shapes", hub, "lora")
    found = adapter_file(entry)
    assert found.as_posix().endswith(wanted) and found.read_bytes() == wanted.encode()
    assert (peft_config(found) is not None) == (PEFT_FILE in wanted)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("t2ialign.adapter_places.HubAdapter._fetched", None)
    assert adapter_file(entry) == adapter_here(entry) == found


@pytest.mark.parametrize(
    ("files", "hub", "sentence"),
    [
        (("README.md", "a.bin"), "org/adapter", "org/adapter on the Hub holds no adapter .*: name another file or rep"),
        (("a.safetensors",), "org/adapter/b.safetensors", "holds no b.safetensors: name another"),
        (("a.safetensors", "b.safetensors"), "org/adapter", 'several files .*: say which.* hub = "org/adapter/a.safet'),
        ((), "adapter", "'adapter', the adapter of a, is no repository of the Hub: write org/name"),
        ((), "org/", "'org/', the adapter of a, is no repository"),
    ],
)
def test_no_adapter_or_several_is_one_sentence(files: tuple[str, ...], hub: str, sentence: str, hub_of: HubOf):
    hub_of(files)
    with pytest.raises(InputError, match=sentence):
        adapter_file(CheckpointEntry("a", "shapes", hub, "lora"))


def test_an_adapter_in_pefts_layout_is_its_file_and_its_configuration(folder: Path):
    place = folder.parent / "home" / "checkpoints" / "of-peft"
    place.mkdir()
    (place / "manifest.json").write_text('{"backbone": "shapes", "kind": "lora"}')
    (place / PEFT_FILE).write_bytes(b"weights")
    shas = [resolve("of-peft", read(folder))[1][0].sha]
    for text in ('{"lora_alpha": 8}', '{ "lora_alpha":  8 }', '{"lora_alpha": 16}'):
        (place / PEFT_CONFIG).write_text(text)
        shas.append(resolve("of-peft", read(folder))[1][0].sha)
    assert shas[1] == shas[2] and len(set(shas)) == 3


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ('[checkpoints."a+b"]\nbackbone = "shapes"', "checkpoints.'a.b': a name is of letters, digits"),
        ('[backbones."x y"]\nfamily = "sd"\npath = "x"', "backbones.'x y': a name is of letters"),
        (
            '[checkpoints.x]\nbackbone = "shapes"\nkind = "lora"\nhub = "nowhere"',
            "'nowhere', the adapter of x, is no repos",
        ),
        (
            '[checkpoints.x]\nbackbone = "shapes"\nkind = "lora"\nhub = "a/b--c"',
            "'a/b--c', the adapter of x, is no repos",
        ),
        (
            '[checkpoints.x]\nbackbone = "shapes"\nkind = "unet"\nhub = "a b/c"',
            "'a b/c', the UNet of x, is no repos",
        ),
        ('[checkpoints.x]\nbackbone = "shapes"\ncolour = 1', "checkpoints.x says colour, which nothing reads"),
        ('[backbones.x]\npath = "x"', "backbones.x does not say its family"),
        ('[scorers.x]\nsource = "x"', "scorers.x does not say its loader"),
        ('[checkpoints.x]\nbackbone = "gone"', "checkpoints.x is of the backbone 'gone', which is not listed"),
        ('[checkpoints.x]\nbackbone = "shapes"\nhub = "a/b"', "checkpoints.x needs a kind .lora, dora, unet. and"),
        ('[checkpoints.x]\nbackbone = "shapes"\nkind = "lora"', "checkpoints.x needs a kind"),
        ('[checkpoints.x]\nbackbone = "shapes"\nsteps = 5000', "x: The number of steps must be a whole number from 1"),
        ('[backbones.x]\nfamily = "sd"\npath = "x"\nscheduler = "fast"', "no scheduler called .fast."),
        ('[backbones.x]\nfamily = "sd"\nhub = "../c"', "backbones.x is of the hub '../c', which is no org/name"),
    ],
)
def test_names_and_ids_that_nobody_could_ask_for_are_refused_where_they_stand(folder: Path, more: str, sentence: str):
    """A blend is written with ``+`` and ``@``, and huggingface_hub raises for ids that are none."""
    (folder / "registry.toml").write_text(f"{TOML}\n{more}\n")
    with pytest.raises(InputError, match=sentence):
        read(folder)


@pytest.mark.parametrize("hub", ["nowhere", "a/b/../../c", "ä/b"])
@pytest.mark.parametrize("kind", ["lora", "unet"])
def test_a_manifest_of_no_repository_costs_only_its_own_checkpoint(folder: Path, hub: str, kind: str):
    own = folder.parent / "home" / "checkpoints"
    add_adapter(own, "lost", hub=hub, kind=kind)
    add_adapter(own, "up", file="..")
    found = read(folder)
    assert set(found.checkpoints) == {"base", "far", "published", "a", "b", "mine-2.0"}
    assert [("/lost/" in said, "/up/" in said) for said in found.problems] == [(True, False), (False, True)]
    with pytest.raises(InputError, match="lost/manifest.json is not the manifest of an adapter .*no repository"):
        resolve("lost", found)


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        ([], "it is no table of named values"),
        (5, "it is no table of named values"),
        ({"kind": "lora"}, "it names no backbone, or its parents are no list"),
        ({"kind": "lora", "backbone": "shapes", "parents": "base"}, "it names no backbone, or its parents are no list"),
        ({"kind": "lora", "backbone": "shapes", "steps": "4"}, "odd: The number of steps is a whole number, not '4'"),
        (
            {"kind": "lora", "backbone": "shapes", "guidance_scale": 99},
            "odd: The guidance scale must be a number from 0",
        ),
        ({"kind": "lora", "backbone": "shapes", "scheduler": "fast"}, "no scheduler called 'fast'"),
        ({"kind": "lora", "backbone": "shapes", "scheduler": ["lcm"]}, "no scheduler called"),
        ({"kind": "lora", "backbone": "shapes", "scheduler": "lcm", "steps": 60}, "lcm takes at most 50 steps, not 60"),
    ],
)
def test_a_manifest_that_says_odd_things_is_named_with_the_reason(folder: Path, record: object, sentence: str):
    (folder / "odd").mkdir()
    (folder / "odd" / "manifest.json").write_text(json.dumps(record))
    (said,) = read(folder).problems
    assert sentence in said and "odd/manifest.json" in said and "mend or remove it" in said


def test_a_folder_that_goes_while_it_is_read_is_no_problem(folder: Path, monkeypatch: pytest.MonkeyPatch):
    def gone(path: Path, *rest: str) -> bytes:
        if path.parent.name == "b":
            raise FileNotFoundError(path)
        return path.read_bytes()

    monkeypatch.setattr("t2ialign.registry.bytes_of", gone)
    assert "b" not in read(folder).checkpoints and read(folder).problems == ()


def test_models_begin_with_what_their_makers_draw_with() -> None:
    """The numbers of model cards and pipelines, as docs/real-models.md lists them."""
    backbones = load_registry().backbones
    usual = {name: usual_run(entry) for name, entry in backbones.items()}
    assert usual["flux.1-schnell"] == UsualRun(steps=4, guidance_scale=1.0)
    assert usual["qwen-image"] == UsualRun(steps=50, guidance="cfg_norm")
    assert usual["sana-1.6b"] == UsualRun("dpmsolver++", 20, 4.5)
    assert usual["sd-turbo"] == UsualRun("euler", 1, 1.0) and usual["sdxl-turbo"] == UsualRun("euler_ancestral", 1, 1.0)
    assert backbones["sdxl-turbo"].size == 512, "not SDXL's 1024"
    assert usual["shapes"] == usual["sd-1.5"] == usual_run(None) == UsualRun()
    assert usual_run(backbones["sd-1.5"], "lcm") == UsualRun("lcm", 4, 1.5)
    assert usual_run(backbones["sana-1.6b"], "ddim") == UsualRun("ddim", 20, 4.5)
    for one in usual.values():
        check_scheduler(one.scheduler, one.steps)
        needs_of(one.guidance)
    assert [entry.name for entry in backbones_of(["dpo@0.5+base", "flux.1-schnell", "nobody"], load_registry())] == [
        "shapes",
        "shapes",
        "flux.1-schnell",
    ]

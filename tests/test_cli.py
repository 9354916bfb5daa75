"""The command line as a person meets it: JSON on stdout, sentences and exit code 2 for bad input."""

from __future__ import annotations

import errno
import json
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from t2ialign import settings, store
from t2ialign.store import Store, StoreBusy

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.slow
def test_the_module_is_the_console_script() -> None:
    arguments = [sys.executable, "-m", "t2ialign", "generate", ""]
    result = subprocess.run(arguments, capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert (result.returncode, result.stdout) == (2, "")
    assert "prompt is empty" in result.stderr and "Traceback" not in result.stderr


@pytest.mark.slow
def test_generate_score_and_points_fit_together(run, tmp_path, home) -> None:
    out, home = str(tmp_path / "out"), str(home)
    generate = ("generate", "a red circle", "--seeds", "0-3", "--steps", "3", "--store", home, "--out", out, "--json")
    first = json.loads(run(*generate)[1])
    assert first["from_store"] is False and [image["seed"] for image in first["images"]] == [0, 1, 2, 3]
    assert all(Path(image["file"]).is_file() and len(image["sha256"]) == 64 for image in first["images"])
    assert all(image["mutual_information"] > 0 for image in first["images"])
    assert {"axis", "level", "values", "mean", "lo", "hi", "version"} <= set(first["scores"]["oracle_alignment"])
    again = json.loads(run(*generate)[1])
    assert again["from_store"] is True and again["cell"] == first["cell"]
    assert [image["sha256"] for image in again["images"]] == [image["sha256"] for image in first["images"]]

    scored = json.loads(
        run("score", out, "--prompt", "a red circle", "--metrics", "lpips,ssim", "--pairs", "--json")[1]
    )
    assert len(scored["scores"]["lpips"]["values"]) == 4
    assert scored["scores"]["lpips"]["mean"] == pytest.approx(first["scores"]["lpips"]["mean"], rel=1e-4)

    points = json.loads(run("points", "--x", "oracle_alignment", "--y", "lpips", "--store", home, "--json")[1])
    assert any(point["config"]["num_inference_steps"] == 3 and point["prompts"] == 1 for point in points)


@pytest.mark.slow
def test_a_command_beside_the_stores_owner_leaves_its_results_and_says_so(run, tmp_path, monkeypatch) -> None:
    """The second one finds what the first one made; the owner takes it all in."""

    def busy(home: Path, read_only_ok: bool = False) -> Store:
        raise StoreBusy("in use by another process")

    generate = ("generate", "a red circle", "--seeds", "0-1", "--steps", "2", "--metrics", "entropy_1d", "--json")
    with monkeypatch.context() as patched:
        patched.setattr(store, "open_store", busy)
        told = [run(*generate, "--store", str(tmp_path)) for _ in range(2)]
    said = "Another process has the store open; it will take these results in from its inbox."
    assert all(code == 0 and said in errors for code, _, errors in told)
    first, again = (json.loads(output) for _, output, _ in told)
    assert (first["from_store"], again["from_store"]) == (False, True) and first["scores"] == again["scores"]
    with store.open_store(tmp_path) as opened:
        assert store.list_cells(opened) == []
        assert store.ingest_inbox(opened) > 0
        assert [cell.seeds for cell in store.list_cells(opened)] == [(0, 1)]


@pytest.mark.slow
def test_shipped_checkpoints_are_compared_with_the_base(run, home) -> None:
    words = ("compare", "minimal_dmpo-step150", "--metrics", "lpips,u_rke", "--store", str(home))
    lpips, number = json.loads(run(*words, "--json")[1])
    assert lpips["prompts"] >= 24 and lpips["difference"]["hi"] < 0 and number["difference"] is None
    table = run(*words, "--markdown")[1].splitlines()
    assert table[0] == "| checkpoint | CFG | `lpips` | `u_rke` |" and table[2].startswith(
        "| `minimal_dmpo-step150` | 4 | **-0.0"
    )
    assert table[-1] == "Bold: the interval excludes zero."
    assert "`sweep` them" in run("compare", "base", "--against", "gors", "--store", str(home))[1]
    noted = """INSERT INTO cell_notes SELECT cell, 'It is long.', 0 FROM cells JOIN configs USING (config)
        WHERE checkpoint = 'minimal_dmpo-step150' ORDER BY cell LIMIT 2"""
    with store.open_store(home) as opened, opened.transaction() as cursor:
        cursor.execute(noted).fetchall()
    assert "2 prompts: It is long." in run(*words)[2]


def test_guidance_lists_what_there_is_and_what_it_costs(run) -> None:
    rows = {row["name"]: row for row in json.loads(run("guidance", "--json")[1])}
    assert rows["aig"]["evaluations"] == 4 and rows["aig"]["parameters"] == {"power": 2.0}
    assert rows["cfg"] == {
        "name": "cfg",
        "title": "Classifier-free guidance",
        "evaluations": 2,
        "besides": "",
        "parameters": {},
        "small": {},
        "flow": {},
    }
    assert rows["attend_excite"]["parameters"]["step_size"] == 20 and set(rows["attend_excite"]["small"]) == {
        "step_size"
    }
    assert "with its gradient" in rows["attend_excite"]["besides"]
    assert "latent_particle" in run("guidance")[1] and "batch" not in rows["latent_particle"]["parameters"]


@pytest.mark.slow
def test_strategies_are_set_beside_plain_guidance(run, tmp_path, home) -> None:
    """Three plain scales and one strategy of one step each, on two prompts with seeds of their own."""
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("a red circle\na blue star\n")
    words = ("--prompts", str(prompts), "--seeds", "own:3", "--steps", "1", "--store", str(home))
    names = ("--metrics", "entropy_1d,rmse")
    run("sweep", *words, *names, "--guidance-scales", "1,4")
    named = "cfg_rescale:rescale=0.5,latent_particle,attend_excite:token1=3:refinements=1,structured"
    run("sweep", *words, *names, "--guidance", named, "--guidance-scales", "4")
    asked = ("strategies", "--x", "entropy_1d", "--y", "rmse", "--store", str(home))
    found = json.loads(run(*asked, "--json")[1])
    assert sorted(one["policy"]["guidance"] for one in found) == [
        "attend_excite",
        "cfg_rescale",
        "latent_particle",
        "structured",
    ]
    assert all(one["prompts"] == 2 and 1 <= (one["plain_scale"] or 1) <= 4 for one in found)
    table = run(*asked)[1].splitlines()
    assert table[0].startswith("| checkpoint | training seeds | strategy | evaluations | CFG | `entropy_1d`")
    assert any(row.startswith("| `base` | 1 | `cfg_rescale:rescale=0.5` | 2 | 4 |") for row in table[2:])
    run(*asked, "--out", str(tmp_path / "chart.html"))
    chart = (tmp_path / "chart.html").read_text()
    assert "<title>Guidance strategies of base</title>" in chart and "base, latent_particle" in chart


def test_checkpoints_lists_the_backbones(run) -> None:
    names = {row["name"] for row in json.loads(run("checkpoints", "--json")[1])}
    assert {"base", "sd-1.5", "sd-2.1-base", "sdxl"} <= names


RING = ("generate", "a ring")
BAD = [
    (("generate", ""), "The prompt is empty"),
    (("generate", " \t "), "The prompt is empty"),
    (("generate", "a\x07ring"), "control character (U+0007) at position 2"),
    (("generate", "x" * 20_001), "20001 characters"),
    ((*RING, "--negative-prompt", "\x1b[31m"), "negative prompt has a control character"),
    ((*RING, "--seeds", "5-"), "'5-' is neither"),
    ((*RING, "--seeds=-1"), "'-1' is neither"),
    ((*RING, "--seeds", "3-1"), "runs backwards: write 1-3"),
    ((*RING, "--seeds", "0-999999"), "more than 4096 seeds"),
    ((*RING, "--seeds", "4294967296"), "Seeds go up to"),
    ((*RING, "--seeds", "1,1"), "stands twice"),
    ((*RING, "--seeds", ""), "is neither"),
    ((*RING, "--checkpoint", "bse"), "did you mean 'base'"),
    ((*RING, "--checkpoint", ""), "Name a checkpoint"),
    ((*RING, "--checkpoint", "base@0.5"), "has no adapter"),
    (("strategies", "--x", "factor_diversit"), "did you mean 'factor_diversity'"),
    ((*RING, "--checkpoint", "mine@7"), "must be a number from -2 to 3, not '7'"),
    ((*RING, "--checkpoint", "mine@nan"), "must be a number from -2 to 3, not 'nan'"),
    ((*RING, "--checkpoint", "mine@"), "must be a number from -2 to 3"),
    ((*RING, "--checkpoint", "mine+mine"), "stands twice"),
    ((*RING, "--guidance-scale", "nan"), "guidance scale must be a number from 0 to 50, not nan"),
    ((*RING, "--guidance-scale=-1"), "not -1"),
    ((*RING, "--guidance-scale", "inf"), "not inf"),
    ((*RING, "--steps", "0"), "number of steps must be a whole number from 1 to 1000, not 0"),
    ((*RING, "--steps=-5"), "not -5"),
    ((*RING, "--steps", "5000"), "not 5000"),
    ((*RING, "--scheduler", "dimm"), "did you mean 'ddim'"),
    ((*RING, "--metrics", "lpisp"), "did you mean 'lpips'"),
    ((*RING, "--out", "FILE/pictures"), "Nothing can be written to"),
    (("points", "--x", "oracle_alignmnt"), "did you mean 'oracle_alignment'"),
    (("points", "--y", "factor_diversty"), "did you mean 'factor_diversity'"),
    (("compare", "dppo"), "did you mean 'dpo'"),
    (("compare", "--metrics", "lpps"), "did you mean 'lpips'"),
    (("rescore", "--metrics", "rmsee"), "did you mean 'rmse'"),
    (("sweep", "--prompts", "nowhere"), "no prompt set"),
    (("sweep", "--prompts", "FILE"), "is not a prompt file"),
    (("sweep", "--guidance-scales", "1,two"), "numbers separated by commas"),
    (("sweep", "--guidance-scales", "1,nan"), "guidance scale must be a number"),
    (("sweep", "--guidance-scales", ""), "grid is empty"),
    (("sweep", "--checkpoint", "bse"), "did you mean 'base'"),
    (("sweep", "--seeds", "9-2"), "write 2-9"),
    (("score", "/nowhere"), "not a folder"),
    (("score", "FILE"), "not a folder"),
    (("score", "EMPTY"), "holds no pictures"),
    (("score", "TEXTS"), "holds no pictures"),
    (("audit", "EMPTY"), "holds no pictures"),
]
BAD_GUIDANCE = [  # whose strategies are asked, which takes torch
    ((*RING, "--guidance", "aigg"), "no guidance strategy called 'aigg': did you mean 'aig'"),
    ((*RING, "--guidance", "aig"), "sets a trained checkpoint against its base, and base is a base itself"),
    ((*RING, "--guidance", "cads:tau1"), "'tau1' is no parameter of guidance cads: write noise_scale=0.25, tau1=0.6"),
    ((*RING, "--guidance", "latent_particle", "--seeds", "0-1"), "makes pictures together: ask for 3 seeds or more"),
    (("sweep", "--guidance", "cfg,autoguidance", "--checkpoint", "minimal_dpo,base"), "base is a base itself"),
]


@pytest.fixture
def places(tmp_path: Path) -> dict[str, str]:
    """What the words in capitals above stand for, and a store with an adapter called ``mine``."""
    for name in ("EMPTY", "TEXTS", "home/checkpoints/mine"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "FILE").write_text("words")
    (tmp_path / "TEXTS" / "notes.txt").write_text("no picture")
    manifest = {"kind": "lora", "backbone": "shapes"}
    (tmp_path / "home/checkpoints/mine/manifest.json").write_text(json.dumps(manifest))
    return {word: str(tmp_path / word) for word in ("FILE", "EMPTY", "TEXTS")} | {"HOME": str(tmp_path / "home")}


def meant(argument: str, places: dict[str, str]) -> str:
    for word, place in places.items():
        argument = argument.replace(word, place)
    return argument


@pytest.fixture
def line(places: dict[str, str]):
    """A whole command line: the words in capitals spelled out, and the store named where there is one."""

    def spelled(arguments: tuple[str, ...]) -> list[str]:
        store = () if arguments[0] in ("score", "audit") else ("--store", "HOME")
        said = [*arguments, *store]
        for word, place in places.items():
            said = [argument.replace(word, place) for argument in said]
        return said

    return spelled


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [*BAD, *BAD_GUIDANCE],
    ids=[" ".join(said)[:60] for said, _ in [*BAD, *BAD_GUIDANCE]],
)
def test_bad_input_is_one_sentence_and_exit_code_2(run, tmp_path, line, arguments: tuple[str, ...], sentence: str):
    code, out, err = run(*line(arguments))
    assert (code, out) == (2, "")
    assert err.startswith("t2ialign: ") and sentence in err and len(err.splitlines()) == 1
    assert not list((tmp_path / "home").glob("*.duckdb")), "nothing was begun"


ADAPTER_FILE = "pytorch_lora_weights.safetensors"
DAMAGE = {
    "truncated": (lambda file: file.write_bytes(file.read_bytes()[:-8]), "truncated or damaged"),
    "renamed": (lambda file: file.write_bytes(b"\x89PNG\r\n" + bytes(400)), "truncated or damaged"),
    "pickle": (lambda file: file.write_bytes(pickle.dumps({"a": 1})), "is a pickle"),
    "foreign": (lambda file: None, "was made for another architecture"),
    "missing": (lambda file: file.unlink(), "which is missing"),
}


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_bad_adapter_is_one_sentence(run, line, tmp_path, monkeypatch, damage: str) -> None:
    monkeypatch.setattr(settings, "DATA", tmp_path)  # no shipped runs to take in
    change, sentence = DAMAGE[damage]
    file = tmp_path / "home/checkpoints/mine" / ADAPTER_FILE
    save_file({"unet.nowhere.to_k.lora_A.weight": torch.zeros(4, 4)}, file)
    change(file)
    code, out, err = run(*line((*RING, "--seeds", "0", "--metrics", "rmse", "--checkpoint", "mine")))
    assert (code, out) == (2, "") and "Traceback" not in err
    assert err.splitlines()[-1].startswith("t2ialign: ") and sentence in err.splitlines()[-1]


def test_bad_pictures_are_one_sentence(run, tmp_path) -> None:
    for name, side in (("a", 16), ("b", 16), ("c", 20)):
        Image.new("RGB", (side, side)).save(tmp_path / f"{name}.png")
    code, out, err = run("score", str(tmp_path))
    assert (code, out) == (2, "") and "'c.png' is 20 x 20 pixels" in err and len(err.splitlines()) == 1
    (tmp_path / "c.png").write_bytes(b"no picture at all")
    code, out, err = run("score", str(tmp_path))
    assert (code, out) == (2, "") and "'c.png' is not a readable picture" in err and len(err.splitlines()) == 1


def test_a_store_that_cannot_be_written_is_one_sentence(run, tmp_path) -> None:
    (tmp_path / "file").write_text("words")
    for place in ("file", "file/below"):
        code, out, err = run("points", "--store", str(tmp_path / place))
        assert (code, out) == (2, "") and "is not a folder, and a store is one" in err and len(err.splitlines()) == 1


def test_a_full_disk_is_one_sentence(run, tmp_path, monkeypatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "mkdir", full)
    code, out, err = run("points", "--store", str(tmp_path / "home"))
    assert (code, out) == (2, "") and "is full: free some space" in err and len(err.splitlines()) == 1


@pytest.mark.slow
def test_bad_input_loads_nothing_heavy(line) -> None:
    """The sentence comes before torch, diffusers and the store do, so it comes at once."""
    program = f"""
import sys
from t2ialign.cli import main
for arguments in {[line(arguments) for arguments, _ in BAD]!r}:
    sys.argv = ["t2ialign", *arguments]
    try:
        main()
    except SystemExit as end:
        assert end.code == 2, arguments
    assert not {{"torch", "diffusers", "duckdb", "numpy"}} & set(sys.modules), arguments
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.returncode == 0, done.stderr

"""Grid's handlers as functions: what is shown, drawn, ordered, linked and taken away."""

import json
import re
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from t2ialign import settings
from t2ialign.dashboard.grid import axes, handlers
from t2ialign.dashboard.grid.form import FIELDS, USUAL, GridForm, cells_of, identity, in_words, link, linked, record
from t2ialign.dashboard.grid.handlers import ShownGrid
from t2ialign.dashboard.grid.offers import offered
from t2ialign.dashboard.grid.table import Showing
from t2ialign.dashboard.shared.visitors import Visitor
from t2ialign.pictures import read_settings
from t2ialign.samplers import SCHEDULERS
from t2ialign.store import list_grids
from t2ialign.types import InputError, Prompt
from t2ialign.use_cases.batches import grid as use_case
from tests.dashboard import fakes

PROMPT = "a red circle"
FORM = GridForm("guidance_scale", ("1", "4"), "checkpoint", ("base", "spo"), PROMPT)
PAGED = replace(FORM, z="steps", z_values=("5", "10", "25"), seed_count=2)


@pytest.fixture
def drawing(services, monkeypatch):
    """The same services; missing cells are rendered scenes."""

    def score_batch(bench, request, cancelled):
        config = use_case.config_of(bench, request)[1]
        fakes.add_cell(bench.store, request.prompt, config, request.seeds)
        state = use_case.stored_state(bench, request.prompt, config, request.seeds)
        yield replace(state, request=request, generated=len(request.seeds), seconds=2.0)

    monkeypatch.setattr(use_case, "score_batch", score_batch)
    return services


def values(form: GridForm = FORM) -> list:
    return [getattr(form, name) for name in FIELDS]


def made(services, form: GridForm = FORM, order: str = "", page: str = "0") -> dict:
    """The grid once the engine is done with it."""
    updates = handlers.make(services, Visitor("page"), None, order, "", "", page, *values(form))
    if "shown" not in updates:
        return updates
    services.engine.wait(updates["shown"].key, 30)
    return handlers.tick(services, updates["shown"], "", order)


def rows(html: str) -> list[str]:
    body = str(html).partition("<tbody>")[2]
    return [re.sub(r"<[^>]+>", "", name) for name in re.findall(r'<th scope="row">(.*?)</th>', body)]


@pytest.mark.slow
def test_what_is_missing_is_drawn_and_what_is_stored_is_not(drawing, config, monkeypatch):
    fakes.add_cell(drawing.store, Prompt(PROMPT), config("base", 4), range(4))
    asked = []
    real = use_case.score_batch
    monkeypatch.setattr(use_case, "score_batch", lambda b, r, c: (asked.append(r), *real(b, r, c))[1:])
    found = made(drawing)
    assert [(one.checkpoint, one.guidance_scale) for one in asked] == [("base", 1.0), ("spo", 1.0), ("spo", 4.0)]
    assert found["table"].count("t2-tile ready") == 16 and "16 pictures." in found["progress"]
    assert found["make"].visible and not found["timer"].active and rows(found["table"]) == ["base", "spo"]
    asked.clear()
    again = handlers.make(drawing, Visitor("page"), None, "", "", "", "0", *values())
    assert asked == [] and again["table"].count("t2-tile ready") == 16 and not again["timer"].active


@pytest.mark.slow
def test_a_grid_is_kept_and_its_id_fills_the_form_again(drawing):
    updates = made(drawing)
    (kept,) = list_grids(drawing.store, search="SPO")
    assert (kept.title, kept.axes) == (PROMPT, "CFG 1, 4 by Checkpoint base, spo")
    assert kept.id == updates["shown"].key.split()[1] and len(kept.cells) == 4 and kept.seeds == (0, 1, 2, 3)
    again = handlers.open_page(drawing, {"query": f"?tab=grid&grid={kept.id}"}, "")
    assert again["shown"].form == FORM and again["prompt"].value == PROMPT
    made(drawing)
    assert len(list_grids(drawing.store)) == 1 and list_grids(drawing.store)[0].created > kept.created
    assert "no grid" in handlers.open_page(drawing, {"query": "?tab=grid&grid=0123456789abcdef"}, "")["problem"]


OLDER = {
    "x": "guidance_scale",
    "x_values": ["1", "4"],
    "y": "checkpoint",
    "y_values": ["base", "spo"],
    "prompt": PROMPT,
    "checkpoint": "base",
    "guidance_scale": 4.0,
    "guidance": "cfg",
    "first_seed": 0.0,
    "seed_count": 4.0,
    "steps": 25.0,
}


def test_a_record_from_before_there_were_pages_is_the_same_grid(services):
    """The ids are those under which version 0.1 kept these two."""
    assert linked(services, f"?grid={json.dumps(OLDER)}") == FORM
    assert (record(FORM), identity(FORM)) == (json.dumps(OLDER, separators=(",", ":")), "6331ee2a80cfdadb")
    said = OLDER | {"y": "", "y_values": [""], "size": "96", "scheduler": "euler"}
    form = linked(services, f"?grid={json.dumps(said)}")
    assert (form.z, form.z_values, identity(form)) == ("", ("",), "a6f94df5b212e8e9")
    assert linked(services, link(PAGED)) == PAGED and identity(PAGED) != identity(FORM)


def test_a_grid_that_is_refused_is_not_kept(services, monkeypatch):
    monkeypatch.setattr(settings, "OWNER_TOKEN", "secret")
    refused = handlers.make(services, Visitor("page"), None, "", "", "", "0", *values(replace(FORM, seed_count=99)))
    assert "problem" in refused and list_grids(services.store) == []


def test_of_many_prompts_the_number_is_said():
    many = GridForm("prompt", tuple(f"prompt {n}" for n in range(9)), "seed", tuple("0123456789"))
    assert in_words(many) == ("9 prompts", "Seed 0, 1, 2, 3, ... 9")


@pytest.mark.slow
def test_a_grid_too_long_for_an_address_is_linked_by_its_id(drawing):
    long = replace(FORM, x="prompt", x_values=tuple(f"{'x' * 190} {n}" for n in range(40)), y="", y_values=("",))
    assert link(long) == f"?tab=grid&grid={identity(long)}"
    made(drawing, replace(long, seed_count=1))
    assert linked(drawing, link(replace(long, seed_count=1))) == replace(long, seed_count=1)


@pytest.mark.slow
def test_a_link_opens_what_is_stored_and_draws_nothing(services, config):
    fakes.add_cell(services.store, Prompt(PROMPT), config("spo", 1), range(4))
    found = handlers.open_page(services, {"query": link(FORM)}, "")
    assert found["table"].count("t2-tile ready") == 4 and "4 of 16 pictures are there" in found["progress"]
    assert found["prompt"].value == PROMPT and not found["checkpoint"].visible
    sent = found["prompt"].constructor_args
    assert sent["value"] == PROMPT and found["seed_count"].constructor_args["value"] == 4, "what Gradio sends"
    assert services.engine.unfinished() == ()


@pytest.mark.parametrize("query", ["?tab=grid&grid=%7B", "?grid=%7B%22x%22%3A3%7D", "?grid=[]"])
def test_a_broken_link_says_so(services, query):
    assert "cannot be read" in handlers.open_page(services, {"query": query}, "")["problem"]


def test_links_say_all_that_the_form_does(services):
    assert linked(services, link(FORM)) == FORM and linked(services, "?tab=grid") is None
    assert len(link(replace(FORM, prompt="a" * 9000))) < 60


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"y": "guidance_scale", "y_values": ("2",)}, "Two axes are CFG"),
        ({"x_values": ()}, "is empty"),
        ({"x_values": ("much",)}, "is a number, not &#39;much&#39;"),
        ({"y_values": ("nobody",)}, "nobody"),
        ({"seed_count": 99}, "1 to 16 seeds"),
        ({"steps": None}, "empty"),
        ({"y": "weight", "y_values": ("0.5",)}, "has no adapter"),
        ({"x_values": tuple(map(str, range(50))), "y_values": tuple("abcd")}, "too many"),
        ({"guidance": "magic"}, "magic"),
        ({"z": "checkpoint", "z_values": ("base",)}, "Two axes are Checkpoint"),
        ({"z": "steps", "z_values": ()}, "The axis Steps is empty"),
        ({"z": "seed", "z_values": tuple(map(str, range(65)))}, "65 pages of 4 cells with 260 pictures in all are too"),
        ({"z": "seed", "z_values": ("0-511", "9")}, "2 pages of 4 cells with 2,052 pictures in all are too many"),
    ],
)
def test_what_cannot_be_sampled_is_one_sentence(drawing, change, sentence):
    found = made(drawing, replace(FORM, **change))
    assert sentence in found["problem"] and "table" not in found


@pytest.mark.slow
def test_seeds_along_an_axis_have_a_picture_each(drawing):
    form = replace(FORM, y="seed", y_values=("0", "5"))
    found = made(drawing, form)
    assert found["table"].count("t2-tile ready") == 4 and rows(found["table"]) == ["0", "5"]
    assert "<i>D</i> –" in found["table"]  # one picture has no diversity
    shown = ShownGrid(form, cells_of(form, drawing))
    assert [one.seeds for one in use_case.requests_of(shown.pages)] == [(0, 5), (0, 5)]


def test_a_weight_is_that_of_the_checkpoint_along_the_other_axis(services):
    form = replace(FORM, x="weight", x_values=("0.5", "1"), y_values=("spo", "mi-tune"))
    specs = [[cell.request.checkpoint for cell in row] for row in cells_of(form, services)[0]]
    assert specs == [["spo@0.5", "spo"], ["mi-tune@0.5", "mi-tune"]]


@pytest.mark.slow
def test_rows_and_columns_go_by_their_scores(drawing):
    made(drawing)
    shown = ShownGrid(FORM, cells_of(FORM, drawing))
    state = use_case.stored_grid(drawing.bench, use_case.requests_of(shown.pages))
    for which in ("alignment", "diversity"):
        found = handlers.table(drawing, shown, state, Showing(f"columns {which}"))
        means = [sum(getattr(cells[i], which).mean for _, cells in found.rows) for i in range(2)]
        assert means == sorted(means, reverse=True)
    assert rows(handlers.reorder(drawing, shown, "rows diversity")["table"]) in (["base", "spo"], ["spo", "base"])


@pytest.mark.slow
def test_any_score_that_all_cells_have_is_shown_and_orders_the_best_first(drawing):
    shown = made(drawing)["shown"]
    state = use_case.stored_grid(drawing.bench, use_case.requests_of(shown.pages))
    usual = handlers.table(drawing, shown, state, Showing())
    assert {usual.alignment, usual.diversity} <= set(usual.offered)
    for other in (metric for metric in usual.offered if metric.axis == "diversity"):
        found = handlers.table(drawing, shown, state, Showing("rows diversity", "", other.name))
        means = [sum(cell.diversity.mean for cell in cells) for _, cells in found.rows]
        assert found.diversity is other and means == sorted(means, reverse=other.higher_is_better)
    again = handlers.reorder(drawing, shown, "", "no such score", usual.offered[-1].name)
    assert again["alignment"].value == "" and usual.offered[-1].title in str(again["table"])


def test_axes_of_steps_sizes_and_strategies_with_parameters(services):
    form = replace(FORM, x="steps", x_values=("5", "10"), y="size", y_values=("96", "128x96"), guidance="interval")
    asked = [[cell.request for cell in row] for row in cells_of(form, services)[0]]
    assert [[(one.num_inference_steps, one.width, one.height) for one in row] for row in asked] == [
        [(5, 96, 96), (10, 96, 96)],
        [(5, 128, 96), (10, 128, 96)],
    ]
    form = replace(FORM, y="guidance", y_values=("cfg", "cads:noise_scale=0.1"), size="128x96")
    (plain, noisy) = (row[0].request for row in cells_of(form, services)[0])
    assert (plain.guidance_params, noisy.guidance_params) == ((), (("noise_scale", 0.1),)) and noisy.width == 128
    assert linked(services, link(form)) == form and "size" not in link(FORM), "older links name the same grid"
    assert [value for _, value in offered(services, "size", ["base"])] == ["64", "96", "96x64"]
    for change, sentence in (({"size": "large"}, "768x512"), ({"x": "steps", "x_values": ("few",)}, "whole number")):
        with pytest.raises(InputError, match=sentence):
            cells_of(replace(FORM, **change), services)


def test_the_price_says_what_is_stored(services, config):
    fakes.add_cell(services.store, Prompt(PROMPT), config("spo", 1), range(4))
    said = axes.price(services, *values())["cost"]
    assert "4 cells, 16 pictures: 4 are stored, 12 will be drawn" in said
    assert "Two axes are CFG" in axes.price(services, *values(replace(FORM, y="guidance_scale")))["cost"]


def test_an_axis_takes_its_field_out_of_sight(services):
    found = axes.change_axis(services, "y", "guidance_scale", "seed", "", ["1"], ["0"], [""], "base")
    assert found["y_values"].value == ["0", "1", "2", "3"] and not found["seed_count"].visible
    assert found["checkpoint"].visible and not found["guidance_scale"].visible


def test_strangers_have_the_limits_of_everybody(drawing, monkeypatch):
    limits = replace(drawing.visits.limits, work=100)
    services = replace(drawing, visits=replace(drawing.visits, limits=limits))
    found = handlers.make(services, Visitor("page", "1.2.3.4", owner=False), None, "", "", "", "0", *values())
    assert "picture steps" in found["problem"]
    shown = ShownGrid(FORM, cells_of(FORM, services))
    assert "Only the page" in handlers.stop(services, Visitor("other", owner=False), shown)["problem"]


def test_nothing_is_fetched_from_the_hub_to_price_a_grid_or_to_open_a_strangers_link(services, monkeypatch):
    def refuse(services, requests):
        raise InputError("It comes from the Hub.")

    for module in (axes, handlers):
        monkeypatch.setattr(module, "check_local", refuse)
    monkeypatch.setattr(axes, "config_of", None)
    assert "4 cells, 16 pictures." in axes.price(services, *values())["cost"]
    monkeypatch.setattr(settings, "OWNER_TOKEN", "secret")
    monkeypatch.setattr(handlers, "stored_grid", None)
    assert "from the Hub" in handlers.open_page(services, {"query": link(FORM)}, "")["problem"]


@pytest.mark.slow
def test_it_is_taken_away_whole(drawing):
    shown = made(drawing)["shown"]
    file = handlers.export(drawing, ".zip", shown, "")["file"]
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        found = read_settings(archive.read("row-02/column-01/seed-0003.png"), "it").made
        index, lines = json.loads(archive.read("grid.json")), archive.read("pictures.csv").decode().splitlines()
    pictures = [name for name in names if name.endswith(".png")]
    assert [name for cell in index["cells"] for name in cell["files"]] == pictures and len(pictures) == 16
    assert index["y"]["values"] == ["base", "spo"] and len(lines) == 17
    assert index["cells"][2]["config"]["guidance_scale"] == 1.0 and index["cells"][2]["scores"]
    with Image.open(handlers.export(drawing, ".png", shown, "")["file"]) as sheet:
        assert len(sheet.convert("RGB").resize((64, 64)).getcolors(4096)) > 100, "pictures, no blank page"
    assert (found.seed, found.config.checkpoint, found.config.guidance_scale) == (3, "spo", 1.0)
    page = Path(handlers.export(drawing, ".html", shown, "")["file"]).read_text(encoding="utf-8")
    assert page.count("data:image/webp;base64") == 16 and "Seed: 3" in page
    assert not re.search(r'(?:src|href)="(?!data:|\?cell=)[^"]+"|https?://', page)
    assert "Make a grid first" in handlers.export(drawing, ".zip", None, "")["problem"]


def test_the_time_left_goes_by_what_was_drawn(services):
    cells = use_case.stored_grid(services.bench, use_case.requests_of(cells_of(FORM, services))).cells
    begun = replace(cells[0], phase="generating", seconds=1.0, remaining=3.0)
    assert use_case.GridState((begun, *cells[1:])).remaining == pytest.approx(3 + 12 * 4 / 4)
    first = replace(cells[0], phase="done", seeds=(0, 1, 2, 3), made=4, seconds=8.0)
    assert use_case.GridState((first, *cells[1:])).remaining == pytest.approx(24)
    assert use_case.GridState(cells).remaining is None


def test_a_scheduler_is_a_field_and_an_axis(services):
    form = replace(FORM, x="scheduler", x_values=("ddim", "euler"), y="", y_values=("",))
    [[[first, second]]] = cells_of(form, services)
    assert (first.request.scheduler, second.request.scheduler) == ("ddim", "euler")
    assert [value for _, value in offered(services, "scheduler")] == list(SCHEDULERS)
    one = replace(FORM, scheduler="euler")
    assert {cell.request.scheduler for row in cells_of(one, services)[0] for cell in row} == {"euler"}
    assert linked(services, link(one)) == one and "scheduler" not in link(FORM), "an older link is the same grid"
    with pytest.raises(InputError, match="no scheduler"):
        cells_of(replace(form, x_values=("magic",)), services)


def test_the_form_follows_what_checkpoints_are_drawn_with(services, monkeypatch):
    fakes.with_numbers(monkeypatch, "spo", steps=4, guidance_scale=1.0, scheduler="lcm")
    first = [getattr(GridForm(), name) for name in USUAL]
    kinds = ("guidance_scale", "checkpoint", "")
    found = axes.follow_checkpoints(services, PROMPT, *kinds, ["1", "2", "4", "8"], ["spo"], [""], "base", *first)
    assert {name: found[name] for name in USUAL} == dict(zip(USUAL, ("lcm", 4, 1.0, "cfg"), strict=True))
    assert found["x_values"].value == ["1"], "it is drawn without guidance"
    mine = axes.follow_checkpoints(services, PROMPT, *kinds, ["1", "3"], ["spo"], [""], "base", "ddim", 26, 4.0, "cfg")
    assert mine == {}, "numbers of one's own stay"
    back = axes.follow_checkpoints(
        services, PROMPT, *kinds, ["1"], ["base"], [""], "spo", *(found[name] for name in USUAL)
    )
    assert back["x_values"].value == ["1", "2", "4", "8"] and back["steps"] == 25
    own = axes.follow_checkpoints(services, PROMPT, *kinds, ["1"], ["spo"], [""], "base", *first)
    assert "x_values" not in own and own["steps"] == 4, "a single 1 may be somebody's own"
    said = axes.price(services, *values(replace(FORM, y_values=("base", "spo"))))["cost"]
    assert "spo: 4 steps of lcm at CFG 1" in said


@pytest.mark.slow
def test_a_third_setting_turns_pages(drawing, monkeypatch):
    updates = made(drawing, PAGED, page="2")
    shown = updates["shown"]
    assert "24 pictures." in updates["progress"] and updates["table"].count("t2-tile ready") == 8
    assert 'data-page="0"' in updates["table"] and "CFG 4, spo, 5 steps" in updates["table"]
    first = handlers.make(drawing, Visitor("page"), shown, "", "", "", "2", *values(PAGED))
    assert first["page_shown"].value == "2" and first["page_shown"].choices == [
        (f"{n} steps", str(i)) for i, n in enumerate((5, 10, 25))
    ]
    assert "leaf=3" in first["progress"] and 'data-page="2"' in first["table"], "the same pages: the one on show stays"
    other = handlers.make(
        drawing, Visitor("page"), shown, "", "", "", "2", *values(replace(PAGED, z_values=("5", "10")))
    )
    assert other["page_shown"].value == "0" and "leaf=" not in other["progress"]
    read = []
    real = handlers.stored_grid
    monkeypatch.setattr(handlers, "stored_grid", lambda bench, asked: (read.extend(asked), real(bench, asked))[1])
    turned = handlers.turn(drawing, shown, "rows diversity", "", "lpips", "1")
    assert {one.num_inference_steps for one in read} == {10} and len(read) == 4, "that page alone is read"
    assert 'data-page="1"' in turned["table"] and "25 steps" not in turned["table"] and set(turned) == {"table"}
    again = handlers.reorder(drawing, shown, "rows diversity", "", "lpips", "1")
    assert again["table"] == turned["table"] and "LPIPS" in str(turned["table"]), "order and scores stay"
    assert handlers.turn(drawing, None, "", "", "", "1") == {}
    assert 'data-page="0"' in handlers.turn(drawing, shown, "", "", "", "99")["table"]


@pytest.mark.slow
def test_the_pages_of_a_grid_are_drawn_as_one_piece_of_work(drawing, monkeypatch):
    asked = []
    real = use_case.score_batch
    monkeypatch.setattr(use_case, "score_batch", lambda b, r, c: (asked.append(r), *real(b, r, c))[1:])
    made(drawing, PAGED)
    assert [one.checkpoint for one in asked] == ["base"] * 6 + ["spo"] * 6, "each checkpoint is loaded once"
    assert [one.num_inference_steps for one in asked[:6]] == [5, 5, 10, 10, 25, 25], "the first page comes first"
    (kept,) = list_grids(drawing.store)
    assert kept.axes == "CFG 1, 4 by Checkpoint base, spo, pages of Steps 5, 10, 25" and len(kept.cells) == 12
    found = handlers.open_page(drawing, {"query": f"?tab=grid&grid={kept.id}&leaf=2"}, "")
    assert found["shown"].form == PAGED and 'data-page="1"' in found["table"] and found["page_shown"].value == "1"
    assert found["z_values"].visible and not found["steps"].visible and found["problem"] == ""
    for page in ("4", "0", "two"):
        found = handlers.open_page(drawing, {"query": f"{link(PAGED)}&leaf={page}"}, "")
        assert "has 3 pages" in found["problem"] and 'data-page="0"' in found["table"]
    assert not handlers.open_page(drawing, {"query": link(FORM)}, "")["page_shown"].visible


def test_the_price_of_pages_and_what_is_on_them_in_words(services):
    assert "3 pages of 4 cells, 24 pictures: " in axes.price(services, *values(PAGED))["cost"]
    prompts = replace(FORM, y="", y_values=("",), z="prompt", z_values=("a ring", "a star"))
    assert in_words(prompts) == ("2 prompts", "CFG 1, 4")
    assert in_words(replace(prompts, z="seed", z_values=("0", "1"))) == (PROMPT, "CFG 1, 4, pages of Seed 0, 1")
    pages = cells_of(prompts, services)
    assert [[[cell.request.prompt.text for cell in row] for row in page] for page in pages] == [
        [["a ring"] * 2],
        [["a star"] * 2],
    ]


@pytest.mark.slow
def test_pages_are_taken_away_too(drawing):
    shown = made(drawing, PAGED)["shown"]
    with zipfile.ZipFile(handlers.export(drawing, ".zip", shown, "")["file"]) as archive:
        pictures = [name for name in archive.namelist() if name.endswith(".png")]
        found = read_settings(archive.read("page-03/row-02/column-01/seed-0001.png"), "it").made
        index, lines = json.loads(archive.read("grid.json")), archive.read("pictures.csv").decode().splitlines()
    assert (found.config.num_inference_steps, found.config.checkpoint, found.config.guidance_scale) == (25, "spo", 1.0)
    assert index["z"] == {"kind": "steps", "title": "Steps", "values": ["5", "10", "25"]} and len(pictures) == 24
    assert [(cell["page"], cell["z"]) for cell in index["cells"][3:5]] == [(1, "5"), (2, "10")]
    assert lines[0].startswith("page,z,row,column,") and lines[9].startswith("2,10,1,1,")
    page = Path(handlers.export(drawing, ".html", shown, "")["file"]).read_text(encoding="utf-8")
    assert page.count("data:image/webp;base64") == 24 and page.count('<table class="t2-grid"') == 3
    assert re.findall(r'<a href="#(page-\d)">(.*?)</a>', page) == [
        (f"page-{n}", f"Steps {s}") for n, s in ((1, 5), (2, 10), (3, 25))
    ]
    assert all(f'<section class="t2-leaf" id="page-{n}">' in page for n in (1, 2, 3)), "pages without a script"
    file = Path(handlers.export(drawing, ".png", shown, "", "", "", "1")["file"])
    flat = Path(handlers.export(drawing, ".png", made(drawing)["shown"], "")["file"])
    assert (file.name, flat.name) == ("grid-page-2.png", "grid.png")
    with Image.open(file) as sheet:
        assert len(sheet.convert("RGB").resize((64, 64)).getcolors(4096)) > 100, "pictures, no blank page"

import json
import re
from html import unescape

import pytest

from t2ialign.dashboard.theory import handlers
from t2ialign.dashboard.theory.handlers import ABOVE, LOGARITHMS, ORDER, RATIOS, SPACE, form_of
from tests.dashboard.trainings import add_training

FIRST = (["reverse_kl", "jensen_shannon"], 0.4, 2.0, False, SPACE, LOGARITHMS, None)


def with_(**changes) -> tuple:
    names = ("shown", "alpha", "beta", "matched", "seen_from", "axes", "run")
    return tuple(changes.get(name, value) for name, value in zip(names, FIRST))


@pytest.fixture
def trained(services):
    add_training(services.store, "align-1", steps=30)
    return services


def reel(updates) -> dict:
    return json.loads(unescape(re.search(r'data-film="([^"]*)"', updates["player"]).group(1)))


def test_matching_strength_doubles_jensen_shannons_beta_and_nobody_elses():
    plain, matched = form_of(with_()), form_of(with_(matched=True))
    assert {name: matched.member(name).beta / plain.member(name).beta for name in ORDER} == {
        "reverse_kl": 1,
        "forward_kl": 1,
        "alpha": 1,
        "jensen_shannon": 2,
    }


def test_curves_show_what_is_chosen():
    updates = handlers.draw_curves("light", *with_(shown=["alpha", "forward_kl"], alpha=0.6))
    assert [line.name for line in updates["f"].data] == ["Forward KL", "α-divergence, α = 0.6"]
    assert updates["family"].count("t2-divergence off") == 2


def test_nothing_chosen_is_an_empty_chart_and_no_crash(services):
    updates = handlers.draw_curves("light", *with_(shown=[])) | handlers.draw_landscapes(
        services, "light", *with_(shown=[])
    )
    assert not updates["f"].data and not [name for name in updates if name.startswith("plot_")]


@pytest.mark.parametrize(("seen_from", "kind"), [(SPACE, "surface"), (ABOVE, "contour")])
def test_landscapes_stand_side_by_side(services, seen_from: str, kind: str):
    updates = handlers.draw_landscapes(services, "dark", *with_(seen_from=seen_from))
    assert updates["plot_reverse_kl"].data[0].type == kind
    assert updates["box_jensen_shannon"].visible and not updates["box_alpha"].visible
    assert "plot_alpha" not in updates and "player" not in updates


def test_a_cleared_number_keeps_its_default():
    assert form_of(with_(beta=None, alpha=None, shown=None)).beta == 2.0


@pytest.mark.slow
def test_pairs_of_a_run_move_over_every_landscape(trained):
    updates = handlers.draw_landscapes(trained, "light", *with_(run="align-1"))
    found = reel(updates)
    assert found["steps"][0] == 0 and found["steps"][-1] == 30
    assert set(found["plots"]) == {"t2-landscape-reverse_kl", "t2-landscape-jensen_shannon"}
    for places in found["plots"].values():
        assert len(places["cloud"]) == len(found["steps"]) == len(places["path"]["x"])
        assert places["path"]["x"][0] == places["path"]["y"][0] == 0  # log 1
        assert places["path"]["x"][-1] > 0.1 and places["path"]["y"][-1] < -0.1


@pytest.mark.slow
def test_plain_axes_begin_at_one(trained):
    places = reel(handlers.draw_landscapes(trained, "light", *with_(run="align-1", axes=RATIOS)))["plots"]
    assert places["t2-landscape-reverse_kl"]["path"]["x"][0] == 1


def test_choosing_a_run_takes_over_its_divergence(trained):
    taken = handlers.follow_run(trained, "align-1")
    assert taken["shown"] == ["reverse_kl", "jensen_shannon"] and taken["beta"] == 4  # 2, its strength matched
    assert "Jensen-Shannon with β = 4, matching off" in taken["followed"]
    assert handlers.follow_run(trained, None) == {"followed": ""}


def test_a_beta_that_this_page_does_not_reach_is_said(services):
    add_training(
        services.store,
        "align-4",
        steps=3,
        command=("align", "f_dpo", "--divergence", "reverse_kl", "--beta", "50", "--name", "x"),
    )
    taken = handlers.follow_run(services, "align-4")
    assert taken["beta"] == 20 and "β = 50, drawn as 20" in taken["followed"]


def test_another_loss_changes_nothing_and_says_so(services):
    add_training(services.store, "align-5", steps=3, command=("align", "ipo", "--name", "x"))
    (said,) = handlers.follow_run(services, "align-5").items()
    assert said[0] == "followed" and "none of those drawn here" in said[1]


@pytest.mark.slow
def test_landscapes_wait_until_somebody_comes_near(trained):
    far, near = (handlers.arrive(trained, "light", where, *with_()) for where in ("far", "near"))
    assert far["f"].data and "plot_reverse_kl" not in far and near["plot_reverse_kl"].data
    assert near["run"].value is None and "Choose a training run" in near["player"]
    assert "t2-player" in handlers.arrive(trained, "light", "near", *with_(run="align-1"))["player"]
    assert "Choose a training run" in handlers.arrive(trained, "light", "near", *with_(run="gone"))["player"]


@pytest.mark.slow
def test_a_run_whose_parent_is_gone_still_shows_its_pairs(services):
    add_training(services.store, "align-2", steps=5, command=("align", "f_dpo", "--parent", "gone", "--name", "x"))
    (said,) = handlers.follow_run(services, "align-2").items()
    assert said[0] == "followed" and "cannot be found" in said[1]
    assert "t2-player" in handlers.draw_landscapes(services, "light", *with_(run="align-2"))["player"]


def test_runs_are_offered_and_a_gone_one_is_forgotten(trained):
    offered = handlers.offer_runs(trained, None)
    assert offered["run"].choices == [("dpo_js", "align-1")] and "Choose a training run" in offered["player"]
    assert handlers.offer_runs(trained, "align-1")["run"].value == "align-1"
    assert handlers.offer_runs(trained, "gone")["run"].value is None


def test_an_empty_store_says_what_to_do(services):
    offered = handlers.offer_runs(services, None)
    assert "start one on the Align page" in offered["player"] and not offered["run"].interactive


@pytest.mark.slow
def test_a_method_without_pairs_says_so(services):
    """Also where liked and disliked pictures are as many by chance: they are no pairs."""
    add_training(services.store, "align-3", steps=3, command=("align", "diffusion_kto", "--name", "kto"))
    assert "no pairs" in handlers.draw_landscapes(services, "light", *with_(run="align-3"))["player"]

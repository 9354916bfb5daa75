from __future__ import annotations

import json
from dataclasses import replace

from t2ialign.codec import decode, encode
from t2ialign.study.manifest import Exhibit, Manifest, merged


def test_json_round_trip_keeps_the_hash(make):
    manifest = make()
    again = decode(Manifest, json.loads(json.dumps(encode(manifest))))
    assert again == manifest
    assert again.hash == manifest.hash
    assert len(manifest.hash) == 64


def test_anything_that_changes_changes_the_hash(make):
    manifest = make()
    other = replace(manifest.exhibits[0], pictures=("0" * 64,))
    assert replace(manifest, exhibits=(other, *manifest.exhibits[1:])).hash != manifest.hash
    assert replace(manifest, decoys=()).hash != manifest.hash
    assert replace(manifest, design=replace(manifest.design, consent="Yes")).hash != manifest.hash


def test_pictures_are_all_that_a_rater_may_see(make):
    manifest = make(names="ab", categories=1, prompts=1, seeds=3)
    assert len(manifest.pictures) == 2 * 3 + 1


def test_the_same_picture_under_two_names_is_one_exhibit():
    exhibits = [
        Exhibit((name,), "p", (seed,), (sha,)) for name, seed, sha in (("a", 1, "x"), ("b", 1, "x"), ("c", 2, "y"))
    ]
    one, other = merged(exhibits)
    assert (one.contenders, one.label) == (("a", "b"), "a+b")
    assert other.contenders == ("c",)
    assert Exhibit((), "p", (), ("x",)).label == "decoy"

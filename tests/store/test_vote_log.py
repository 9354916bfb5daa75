from __future__ import annotations

from pathlib import Path

from t2ialign.store import vote_log


def test_lines_are_appended_and_read_in_order(tmp_path: Path):
    vote_log.append(tmp_path, "s", [{"n": 1, "text": "ü\n"}, {"n": 2}])
    vote_log.append(tmp_path, "s", [{"n": 3}])
    path = vote_log.shard_of(tmp_path, "s")
    assert [record["n"] for record in vote_log.read(path)] == [1, 2, 3]
    assert path.read_text(encoding="utf-8").count("\n") == 3


def test_a_torn_line_is_ended_before_the_next(tmp_path: Path):
    vote_log.append(tmp_path, "s", [{"n": 1}])
    path = vote_log.shard_of(tmp_path, "s")
    path.write_bytes(path.read_bytes() + b'{"n": 2, "text": "\xc3')
    vote_log.append(tmp_path, "s", [{"n": 3}])
    assert [record["n"] for record in vote_log.read(path)] == [1, 3]


def test_every_cut_of_the_last_line_loses_only_that_line(tmp_path: Path):
    vote_log.append(tmp_path, "s", [{"n": 1}, {"n": 2}])
    path = vote_log.shard_of(tmp_path, "s")
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    for cut in range(first, len(whole) - 1):
        path.write_bytes(whole[:cut])
        assert [record["n"] for record in vote_log.read(path)] == [1], cut


def test_rewriting_keeps_what_is_to_be_kept(tmp_path: Path):
    vote_log.append(tmp_path, "s", [{"n": n} for n in range(4)])
    vote_log.rewrite(tmp_path, "s", lambda record: record["n"] % 2)
    assert [record["n"] for record in vote_log.read(vote_log.shard_of(tmp_path, "s"))] == [1, 3]

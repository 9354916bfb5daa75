from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import pytest
import yaml

from t2ialign.hub import study_folder
from t2ialign.hub.study_folder import export_csv, export_folder, export_parquet, import_folder, import_zip
from t2ialign.store import ingest_votes, open_store
from t2ialign.store.studies import QUICK, manifest_of, picture_of, study_of
from t2ialign.store.votes import answers_of, begin_survey, pairs_from_votes, record_quick
from t2ialign.study.answers import Answer
from t2ialign.study.records import public_survey
from t2ialign.study.results import results
from t2ialign.types import InputError
from tests.store.studying import opened_study


@pytest.mark.slow
def test_a_study_travels_to_another_store_once(answered, tmp_path: Path):
    folder = export_folder(answered.store, answered.study, tmp_path / "out")
    with open_store(tmp_path / "other") as other:
        study, count = import_folder(other, folder)
        assert (study.id, study.state, study.hash, count) == (
            answered.study,
            "closed",
            study_of(answered.store, answered.study).hash,
            12,
        )
        assert import_folder(other, folder)[1] == 0
        assert ingest_votes(other) == 0
        assert {public_survey(v.survey) for v in answers_of(answered.store, answered.study)} == {
            v.survey for v in answers_of(other, answered.study)
        }
        ours, theirs = (results(answers_of(store, answered.study)) for store in (answered.store, other))
        assert {(r.contender, r.category, r.group, r.share.mean) for r in ours.rates} == {
            (r.contender, r.category, r.group, r.share.mean) for r in theirs.rates
        }
        assert manifest_of(other, answered.study) == manifest_of(answered.store, answered.study)
        assert len(pairs_from_votes(other, answered.study)) == len(pairs_from_votes(answered.store, answered.study))
        assert all(picture_of(other, sha) for sha in manifest_of(other, answered.study).pictures)
        with pytest.raises(InputError, match="closed"):
            begin_survey(other, answered.study, "x")


@pytest.mark.slow
def test_csvs_with_their_manifest_are_imported_too(answered, tmp_path: Path):
    folder = export_folder(answered.store, answered.study, tmp_path / "out")
    (folder / "votes.parquet").unlink()
    export_csv(answered.store, answered.study, folder)
    with open_store(tmp_path / "other") as other:
        assert import_folder(other, folder)[1] == 12


@pytest.mark.slow
@pytest.mark.parametrize("export", [export_csv, export_folder])
def test_what_was_exported_is_imported_from_its_zip(answered, tmp_path: Path, export):
    export(answered.store, answered.study, tmp_path / "out")
    file = Path(shutil.make_archive(str(tmp_path / "study"), "zip", tmp_path / "out"))
    with open_store(tmp_path / "other") as other:
        assert import_zip(other, file)[1] == 12
        assert import_zip(other, file)[1] == 0


def test_zips_that_are_none_are_refused(answered, tmp_path: Path, monkeypatch):
    bad = tmp_path / "bad.zip"
    bad.write_bytes(b"PK not a zip")
    with pytest.raises(InputError, match="cannot be unpacked"):
        import_zip(answered.store, bad)
    with zipfile.ZipFile(bad, "w") as archive:
        archive.writestr("../escape.txt", "x")
    with pytest.raises(InputError, match="no manifest.json"):
        import_zip(answered.store, bad)
    assert not list(tmp_path.rglob("escape.txt"))
    monkeypatch.setattr(study_folder, "LARGEST", 0)
    with pytest.raises(InputError, match="unpack it"):
        import_zip(answered.store, bad)


def test_quick_votes_are_no_dataset(answered, tmp_path: Path):
    one = manifest_of(answered.store, answered.study).exhibits[0]
    record_quick(answered.store, "browser", [one], Answer((0,)))
    with pytest.raises(InputError, match="no frozen design"):
        export_folder(answered.store, QUICK, tmp_path / "out")
    assert len(export_csv(answered.store, QUICK, tmp_path / "out")) == 1


def test_the_card_is_valid_and_says_what_it_is(answered, tmp_path: Path):
    text = (export_folder(answered.store, answered.study, tmp_path) / "README.md").read_text()
    _, front, body = text.split("---\n", 2)
    card = yaml.safe_load(front)
    assert [config["config_name"] for config in card["configs"]] == ["votes", "pairs"]
    assert "12 answers from 3 surveys" in body
    assert study_of(answered.store, answered.study).hash in body
    assert (tmp_path / "votes.parquet").exists() and (tmp_path / "pairs.parquet").exists()


def test_no_answers_are_no_export(answered, tmp_path: Path):
    empty = opened_study(answered.store).id
    for export in (export_csv, export_parquet, export_folder):
        with pytest.raises(InputError, match="nobody has answered"):
            export(answered.store, empty, tmp_path / "out")


@pytest.mark.slow
def test_an_own_study_is_not_overwritten(answered, tmp_path: Path):
    folder = export_folder(answered.store, answered.study, tmp_path / "out")
    with pytest.raises(InputError, match="of its own"):
        import_folder(answered.store, folder)
    assert study_of(answered.store, answered.study).state == "open"
    assert len(answers_of(answered.store, answered.study)) == 15


@pytest.mark.slow
def test_tampered_folders_are_refused(answered, tmp_path: Path):
    folder = export_folder(answered.store, answered.study, tmp_path / "out")
    manifest = json.loads((folder / "manifest.json").read_text())
    with open_store(tmp_path / "other") as other:
        victim = next((folder / "pictures").glob("*.webp"))
        data = victim.read_bytes()
        victim.write_bytes(b"another")
        with pytest.raises(InputError, match="not what its name says"):
            import_folder(other, folder)
        victim.write_bytes(data)
        for change, said in (
            ({"study": "../../escape"}, "names a study"),
            ({"exhibits": manifest["exhibits"][:1], "decoys": []}, "does not name"),
            ({"design": {}}, "cannot be read"),
        ):
            (folder / "manifest.json").write_text(json.dumps({**manifest, **change}))
            with pytest.raises(InputError, match=said):
                import_folder(other, folder)
        (folder / "manifest.json").write_text("{")
        with pytest.raises(InputError, match="cannot be read"):
            import_folder(other, folder)
        with pytest.raises(InputError, match="no manifest.json"):
            import_folder(other, tmp_path / "nowhere")

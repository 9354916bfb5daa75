"""A study as a folder that stands on its own: votes, pairs, pictures, the frozen manifest and a card. And back again."""

from __future__ import annotations

import json
import re
import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from t2ialign.codec import decode, encode
from t2ialign.files import foreign, read_json, write_whole
from t2ialign.hub.pick_a_pic import write_comparisons
from t2ialign.hub.vote_tables import read_votes, write_csv_folder, write_parquet
from t2ialign.store import Store, images
from t2ialign.store.studies import Study, insert_study, log, manifest_of, picture_of, study_of
from t2ialign.store.vote_rows import keep, survey_record, vote_record
from t2ialign.store.votes import answers_of, count_answers
from t2ialign.study.design import StudyDesign
from t2ialign.study.manifest import Manifest
from t2ialign.study.records import Survey, Vote
from t2ialign.types import InputError

IMPORTED = "imported"
LARGEST = 4 << 30  # bytes of an unpacked zip
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
CARD = """---
license: cc-by-4.0
task_categories:
- text-to-image
tags:
- preference
- human-feedback
- text-to-image
pretty_name: {name}
configs:
- config_name: votes
  data_files: votes.parquet
- config_name: pairs
  data_files: pairs.parquet
---

# {title}

{answers} answers from {surveys} surveys, collected with t2ialign. The study was frozen before it opened; the SHA-256 of
its manifest is `{hash}`.

- `votes.parquet`: one row for each thing that a round showed, with what was chosen{also}. Surveys carry a random name; nothing
  about the people was stored but the group that they said they belong to.
- `pairs.parquet`: the same answers as comparisons of two pictures, in the layout of Pick-a-Pic.
- `manifest.json`: the design, and which picture came from where. `pictures/`: the pictures, named by their SHA-256.

Asked: "{question}" Compared: {contenders}. Rater groups: {groups}.
"""


def export_csv(store: Store, study: str, folder: Path) -> list[Path]:
    """One CSV a survey, beside the manifest with which they can be imported. ``InputError`` where nobody has answered."""
    votes = _answered(store, study)
    if study_of(store, study).design is not None:
        _write_manifest(folder, study, manifest_of(store, study))
    return write_csv_folder(votes, folder)


def export_parquet(store: Store, study: str, path: Path) -> Path:
    """All votes in one file. ``InputError`` where nobody has answered yet."""
    return write_parquet(_answered(store, study), path)


def export_pairs(store: Store, study: str, path: Path) -> Path:
    """The comparisons in Pick-a-Pic's layout, pictures included."""
    return write_comparisons(store, _answered(store, study), path)


def export_folder(store: Store, study: str, folder: Path) -> Path:
    """Everything that a dataset on the Hub holds. ``InputError`` where nobody has answered, or a picture is lost."""
    if study_of(store, study).design is None:
        raise InputError("Quick votes have no frozen design to go with them: export them as CSV, votes or pairs.")
    votes, manifest = _answered(store, study), manifest_of(store, study)
    write_parquet(votes, folder / "votes.parquet")
    try:
        write_comparisons(store, votes, folder / "pairs.parquet")
        pairs = True
    except InputError:  # answers that compare nothing, as when nobody selected anything
        pairs = False
    _write_manifest(folder, study, manifest)
    for sha in sorted(manifest.pictures):
        write_whole(folder / "pictures" / f"{sha}.webp", picture_of(store, sha))
    write_whole(folder / "README.md", _card(store, study, manifest, votes, pairs).encode())
    return folder


def import_folder(store: Store, folder: Path) -> tuple[Study, int]:
    """A study from a folder that ``export_folder`` made (or its CSVs beside its ``manifest.json``), closed.

    Importing again adds nothing. Returns the study and how many votes were new.

    Raises:
        InputError: something is missing or changed, or this store has the study as its own.
    """
    manifest, name = _manifest(folder)
    table = folder / "votes.parquet"
    votes = read_votes(table if table.exists() else folder)
    _check(manifest, votes)
    study = _imported(store, name, manifest)
    before = count_answers(store, study.id)
    for path in sorted((folder / "pictures").glob("*.webp")):
        data = path.read_bytes()
        if images.digest(data) != path.stem:
            raise InputError(f"The picture {path.name} is not what its name says: copy the folder again.")
        images.write(store.home, data)
    known = {vote.id for vote in answers_of(store, study.id)}
    new = [vote for vote in votes if vote.id not in known]
    with store.transaction() as cursor:
        keep(store.home, cursor, study.id, list(_records(study.id, new)))
    return study, count_answers(store, study.id) - before


def import_zip(store: Store, file: Path) -> tuple[Study, int]:
    """``import_folder`` of a zipped folder."""
    with tempfile.TemporaryDirectory(prefix="t2ialign-import-") as name:
        unpack(file, Path(name))
        return import_folder(store, Path(name))


def unpack(file: Path, folder: Path) -> None:
    """Unpacks a zip; ``InputError`` where it is none, a damaged or an encrypted one, or too large."""
    with (
        foreign(f"{file.name} cannot be unpacked", "give a zip of a folder that was exported here"),
        zipfile.ZipFile(file) as archive,
    ):
        if sum(entry.file_size for entry in archive.infolist()) > LARGEST:
            raise InputError(f"{file.name} holds more than {LARGEST >> 30} GB: unpack it and import the folder.")
        archive.extractall(folder)


def _write_manifest(folder: Path, study: str, manifest: Manifest) -> None:
    text = json.dumps(encode(manifest) | {"study": study}, ensure_ascii=False)
    write_whole(folder / "manifest.json", text.encode())


def _answered(store: Store, study: str) -> list[Vote]:
    study_of(store, study)
    votes = answers_of(store, study)
    if not votes:
        raise InputError("There is nothing to export: nobody has answered yet.")
    return votes


def _card(store: Store, study: str, manifest: Manifest, votes: Sequence[Vote], pairs: bool) -> str:
    design = manifest.design
    text = CARD.format(
        name=json.dumps(design.title),
        title=" ".join(design.title.split()),
        answers=count_answers(store, study),
        surveys=len({vote.survey for vote in votes}),
        hash=manifest.hash,
        question=f"{design.count_question} {design.question}".strip(),
        also=_also(design),
        contenders=", ".join(contender.name for contender in design.contenders),
        groups=", ".join(design.groups),
    )
    return text if pairs else text.replace("- config_name: pairs\n  data_files: pairs.parquet\n", "")


def _also(design: StudyDesign) -> str:
    said = (
        ("how many kinds were counted in it (`count`)", design.answer.counts),
        ("how sure the rater was (`confidence`)", design.answer.confidence),
    )
    return "".join(f", {text}" for text, asked in said if asked)


def _manifest(folder: Path) -> tuple[Manifest, str]:
    what, mend = f"The manifest.json in {folder} cannot be read", "copy the folder again"
    try:
        record = read_json(folder / "manifest.json", what, mend)
    except FileNotFoundError as error:
        raise InputError(f"There is no manifest.json in {folder}: import a folder that was exported whole.") from error
    with foreign(what, mend):
        name, manifest = str(record.pop("study")), decode(Manifest, record, what)
    if not NAME.fullmatch(name):
        raise InputError(f"The manifest.json in {folder} names a study in a way that no export does.")
    return manifest, name


def _check(manifest: Manifest, votes: Iterable[Vote]) -> None:
    """Refuse votes about pictures that the manifest does not have, and such as do not answer what its design asks."""
    said = manifest.design.answer
    if any((vote.trial.counts, vote.trial.confidence) != (said.counts, said.confidence) for vote in votes):
        raise InputError(
            "Some votes do not say how many kinds they counted, or how sure they are, where the manifest asks (or do where it "
            "does not): this folder was put together."
        )
    known = manifest.pictures
    if any(sha not in known for vote in votes for exhibit in vote.trial.shown for sha in exhibit.pictures):
        raise InputError("Some votes are about pictures that the manifest does not name: this folder was put together.")


def _imported(store: Store, name: str, manifest: Manifest) -> Study:
    """The study's row, new or from an earlier import of the same."""
    found = Study(
        name, manifest.design.title, "closed", datetime.now(UTC), manifest.design, manifest.hash, parent=IMPORTED
    )
    text = json.dumps(encode(manifest), ensure_ascii=False)
    with store.transaction() as cursor:
        insert_study(cursor, found, text)
        log(cursor, name, "imported")
        write_whole(store.home / "votes" / f"{name}.json", text.encode(), sync=True)
    known = study_of(store, name)
    if known.parent != IMPORTED or known.hash != manifest.hash:
        raise InputError(f"This store has a study {name!r} of its own: import it into another store.")
    return known


def _records(study: str, votes: Sequence[Vote]) -> Iterable[dict[str, object]]:
    for survey in dict.fromkeys(vote.survey for vote in votes):
        own = [vote for vote in votes if vote.survey == survey]
        trials = tuple(vote.trial for vote in own)
        yield dict(survey_record(Survey(survey, study, own[0].group, trials, min(v.created for v in own)), ""))
    for vote in votes:
        yield dict(
            vote_record(
                study,
                vote.survey,
                vote.trial.id,
                vote.revision,
                vote.answer,
                vote.milliseconds,
                vote.created,
                vote.blind,
            )
        )

"""The sample classes as Moodle would give them: what is collected is what was handed in."""

import shutil

import pytest

from moodle_files import BEFORE, entry, worksheet, write_zip
from nbjudge.course import CONFIG, load_course
from nbjudge.moodle.collect import collect
from nbjudge.produce import solution_version, student_version
from nbjudge.sample import read_samples
from nbjudge.submissions import read_submission
from sample_class import ROOT, SAMPLES, TPS


@pytest.mark.parametrize("tp", TPS)
def test_every_sample_comes_out_of_the_zip_as_it_was_handed_in(tp, tmp_path):
    root = tmp_path / "course"
    root.mkdir()
    shutil.copy2(ROOT / CONFIG, root / CONFIG)
    for name in ("source", "judge"):
        shutil.copytree(ROOT / name / tp, root / name / tp)
    course = load_course(root)
    assignment = course.compile(tp)
    (name,) = (f"{notebook.name}.ipynb" for notebook in assignment.notebooks)
    samples = read_samples(
        SAMPLES / tp,
        assignment,
        student_version(course, assignment)[name],
        solution_version(course, assignment)[name],
    )
    assert len(samples) > 10
    entries, lines, roll = {}, [], ["id;numéro"]
    for number, sample in enumerate(samples, 1_000_001):
        for path, data in {sample.file: sample.data, **sample.files}.items():
            entries[entry("Élève dÉté", number, path)] = data
        lines.append(
            {
                "id": number,
                "name": "Élève d'Été",
                "number": f"00{number}",
                "submitted": BEFORE["fr"],
            }
        )
        roll.append(f"{sample.student};00{number}")
    (root / "students.csv").write_text("\n".join(roll), "utf-8")
    sheet = root / "Notes.csv"
    sheet.write_bytes(worksheet(lines, "fr"))
    report = collect(course, tp, [write_zip(root / "TP.zip", entries)], [sheet])
    assert report.new == tuple(sorted(sample.student for sample in samples))
    assert report.late == report.missing == ()
    # What earns points may take the place of an earlier upload; what was cut short may not.
    whole = {s.student for s in samples if s.data.rstrip(b"\0 \r\n").endswith(b"}")}
    listed = {note.split(":")[0] for note in report.notes}
    assert not listed & whole & {s.student for s in samples if sum(s.expected.values())}
    assert {s.student for s in samples} - whole <= listed
    for sample in samples:
        folder = course.folder("submitted") / sample.student / tp
        got = read_submission(folder, sample.student, assignment, course.settings.limits)
        assert got.timestamp == "2025-11-03 22:58:00 UTC"
        assert (folder / sample.file).read_bytes() == sample.data
        for path, data in sample.files.items():
            assert (folder / path).read_bytes() == data

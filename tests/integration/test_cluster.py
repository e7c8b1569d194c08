"""A class on a Dask cluster: the marks of this machine, whatever becomes of its workers."""

import contextlib
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import small_course as sc
from test_parallel import ASSIGNMENT, Killing, empty

import nbjudge
from dask_cluster import cluster
from nbjudge.errors import ClusterError, GradingFault, WorkerDied
from nbjudge.parallel import Scheduler, grade_many
from nbjudge.settings import Settings
from nbjudge.submissions import Submission, read_submission
from nbjudge.worker import Shared, Worker

SECRET = b"s" * 32
CERTIFICATES = Path(__file__).parents[2] / "tools" / "certificates.sh"
WRONG = {
    "p1": sc.RIGHT["p1"] | {"stats": "def mean(x):\n    return 0\n\n\ndef spread(x):\n    1/0"}
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def dask():
    with cluster() as made:
        yield made


@pytest.fixture
def workers(dask):
    """Start workers that end with the test."""
    yield dask.worker
    dask.stop_workers()


@pytest.fixture
def grade(dask):
    """Grade on the cluster; keep what is said of its workers in `grade.said`."""

    def make(submissions, assignment=ASSIGNMENT, settings=None, address=None):
        scheduler = Scheduler(
            address=address or dask.address, patience_seconds=30, say=make.said.append
        )
        return grade_many(
            submissions,
            assignment,
            settings or Settings(),
            SECRET,
            workers=1,
            scheduler=scheduler,
        )

    make.said = []
    return make


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A small class, read: two right ones, a wrong one, and one without a notebook."""
    made = sc.make_course(tmp_path_factory.mktemp("class"))
    answers = {"ada": None, "bob": None, "dan": WRONG, "eve": {}}
    for student, given in answers.items():
        made.submit(student, given)
    course = made.course
    assignment = course.compile(sc.NAME)
    submissions = [
        read_submission(
            course.folder("submitted") / name / sc.NAME, name, assignment, course.settings.limits
        )
        for name in answers
    ]
    return Shared(assignment, course.settings, SECRET), submissions


@pytest.fixture(scope="module")
def alone(small):
    """What the class earns one after the other, in this process."""
    shared, submissions = small
    with contextlib.closing(Worker(shared)) as worker:
        return {one.student: plain(worker.grade(one)) for one in submissions}


def plain(results):
    """Leave out of results what no two runs have in common: times and memory."""
    return [
        (
            [replace(verdict, seconds=0.0) for verdict in result.verdicts],
            result.document,
            result.notes,
            result.log,
            result.provenance,
        )
        for result in results
    ]


def test_a_class_has_the_marks_of_this_machine_and_loses_nothing_with_a_worker(
    small, alone, grade, workers
):
    shared, submissions = small
    three = [workers() for _number in range(3)]

    grading = grade(submissions, shared.assignment, shared.settings)
    graded = [next(grading)]
    for worker in three[:2]:  # one of them, at least, is grading
        worker.kill()
    graded += grading

    assert sorted(one.submission.student for one in graded) == sorted(alone)
    assert [one.error for one in graded] == [None] * len(alone)
    assert {one.submission.student: plain(one.results) for one in graded} == alone
    assert any("was lost while it graded" in sentence for sentence in grade.said)


def test_a_submission_that_kills_two_workers_is_an_error_and_the_others_are_graded(grade, workers):
    workers(nanny=True)  # which starts another worker where one has ended
    deadly = replace(empty("deadly"), uploads={"n": Killing()})

    graded = {one.submission.student: one for one in grade([empty("a"), deadly, empty("b")])}

    assert set(graded) == {"a", "b", "deadly"}
    error = graded.pop("deadly").error
    assert isinstance(error, WorkerDied)
    assert "Grading ps1 of deadly on tcp://127.0.0.1:" in str(error)
    assert [one.error for one in graded.values()] == [None, None]
    assert [s for s in grade.said if "while it graded deadly" in s] == grade.said
    assert len(grade.said) == 2


def test_an_error_of_ours_at_a_worker_comes_back_with_its_sentence(grade, workers):
    workers()
    without = Submission(student="zoe", assignment=sc.NAME, uploads={}, notes={}, found={})

    zoe, ada = sorted(grade([without, empty("ada")]), key=lambda one: one.error is None)

    assert isinstance(zoe.error, GradingFault)
    assert "Grading ps1 of zoe stopped with KeyError: 'n'" in str(zoe.error)
    assert ada.error is None


def test_a_worker_that_differs_is_refused_by_name_and_the_others_grade(
    dask, grade, workers, tmp_path
):
    package = tmp_path / "nbjudge"
    shutil.copytree(Path(nbjudge.__file__).parent, package)
    with (package / "judge.py").open("a") as stream:
        stream.write("# another line\n")
    bad = {
        "other-code": workers("--name", "other-code", environment={"PYTHONPATH": str(tmp_path)}),
        "no-bwrap": workers("--name", "no-bwrap", environment={"PATH": str(tmp_path)}),
        "threads": workers("--name", "threads", threads=2),
    }
    dask.joined(len(bad))

    with pytest.raises(ClusterError) as refusal:
        list(grade([empty("a")]))

    said = str(refusal.value)
    assert said.count("tcp://127.0.0.1:") == 1 + len(bad)
    assert "the code of nbjudge is " in said
    assert "no sandbox can be made: " in said
    assert "start it with --nthreads 1" in said
    assert len(grade.said) == len(bad)

    workers()
    (graded,) = grade([empty("a")])
    assert graded.error is None


def test_a_worker_without_nbjudge_is_refused(grade, workers, tmp_path):
    (tmp_path / "nbjudge").mkdir()
    (tmp_path / "nbjudge" / "__init__.py").write_text("")
    workers(environment={"PYTHONPATH": str(tmp_path)})

    with pytest.raises(ClusterError, match="it cannot run this version of nbjudge"):
        list(grade([empty("a")]))


def test_a_cluster_without_workers_is_an_error_that_says_how_to_start_some(dask):
    scheduler = Scheduler(address=dask.address, patience_seconds=0.2)

    with pytest.raises(ClusterError, match="dask worker ADDRESS --nthreads 1"):
        list(
            grade_many([empty("a")], ASSIGNMENT, Settings(), SECRET, workers=1, scheduler=scheduler)
        )


def test_a_scheduler_that_ends_is_an_error_and_what_was_graded_is_kept(grade):
    with cluster() as own:
        own.worker()
        grading = grade([empty(f"s{n}") for n in range(5)], address=own.address)
        first = next(grading)
        own.scheduler.kill()

        with pytest.raises(ClusterError, match="the scheduler does not answer any more"):
            list(grading)

    assert first.error is None


def test_where_no_scheduler_listens_there_is_a_sentence(grade, monkeypatch):
    monkeypatch.setattr("nbjudge.cluster._CONNECT_SECONDS", 1.0)
    with pytest.raises(ClusterError, match=r"Connecting to the scheduler tcp://127\.0\.0\.1:9: "):
        list(grade([empty("a")], address="tcp://127.0.0.1:9"))


def test_with_tls_a_class_is_graded_and_who_has_no_certificate_is_not_let_in(tmp_path, monkeypatch):
    for folder in ("ours", "theirs"):
        subprocess.run(["sh", CERTIFICATES, tmp_path / folder], check=True)
    ours, theirs = (
        {f"tls_{n}": tmp_path / folder / f"{n}.pem" for n in ("ca", "cert", "key")}
        for folder in ("ours", "theirs")
    )
    made = sc.make_course(tmp_path / "course", gradebook=True)
    made.submit("ada")
    options = ["--protocol", "tls", "--tls-ca-file", str(ours["tls_ca"])]
    options += ["--tls-cert", str(ours["tls_cert"]), "--tls-key", str(ours["tls_key"])]
    given = [w for n, p in ours.items() for w in ("--" + n.replace("_", "-"), str(p))]

    with cluster(options) as own:
        own.worker()
        own.joined(1)
        done = sc.command(made, "nbjudge", "grade", sc.NAME, "--scheduler", own.address, *given)
        monkeypatch.setattr("nbjudge.cluster._CONNECT_SECONDS", 1.0)
        strangers = [
            Scheduler(address=own.address, **theirs),
            Scheduler(address=own.address, **ours | {"tls_ca": theirs["tls_ca"]}),
            Scheduler(address=own.address.replace("tls", "tcp")),
        ]
        for scheduler in strangers:
            grading = grade_many(
                [empty("a")], ASSIGNMENT, Settings(), SECRET, workers=1, scheduler=scheduler
            )
            with pytest.raises(ClusterError, match="Connecting to the scheduler"):
                next(grading)

    assert done.returncode == 0, done.stderr + done.stdout
    assert sc.points_of(made) == {"ada": sc.RIGHT_POINTS}

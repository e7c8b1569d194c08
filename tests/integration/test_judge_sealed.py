"""The judge is sealed too: what a value that took it over would meet.

A hidden test runs in the judge.  So it stands here for that value: each does what an attacker
would do there, and reports what it found in the instructor's detail.
"""

from __future__ import annotations

import json
import socket
import textwrap
from pathlib import Path

import pytest
import small_course as sc

from nbjudge.assignment import Upload
from nbjudge.errors import JudgeStartError, SandboxUnavailable
from nbjudge.grade import grade_notebook
from nbjudge.judge import Load
from nbjudge.judge_process import JudgeProcess
from nbjudge.limits import GIB, MIB
from nbjudge.verdict import Result, Status, Verdict

pytestmark = pytest.mark.slow

SECRET = bytes(range(32))
DOUBLE = sc.answer("double", sc.DOUBLE)
AFTER = sc.check("test_after", "assert double(4) == 8", 1)


def hidden(code: str) -> str:
    return f"### BEGIN HIDDEN TESTS\n{textwrap.dedent(code)}\n### END HIDDEN TESTS"


def result_of(folder: Path, code: str, **options: str) -> Result:
    cells = [DOUBLE, sc.check("test_it", hidden(code), 1), AFTER]
    made = sc.make_course(folder / "course", notebooks={"n": cells}, **options)
    upload = Upload(notebook=sc.answered(made.release()["n.ipynb"], {"double": sc.DOUBLE}))
    course = made.course
    return grade_notebook(upload, course.compile(sc.NAME), "n", course.settings, SECRET)


def verdicts(result: Result) -> tuple[Verdict, Verdict]:
    first, after = result.verdicts
    return first, after


def found_by(folder: Path, code: str, **options: str) -> object:
    """Return what the test put into ``found``."""
    report = '\nimport json\nraise AssertionError("<<" + json.dumps(found) + ">>")'
    first, after = verdicts(result_of(folder, textwrap.dedent(code) + report, **options))
    assert after.points == 1  # it did run, and the judge goes on
    return json.loads(first.detail.rpartition("<<")[2].partition(">>")[0])


@pytest.fixture
def neighbour(tmp_path: Path) -> Path:
    """A file of this machine that anybody may read and write."""
    path = tmp_path / "of-somebody-else.txt"
    path.write_text("not yours", "utf-8")
    path.chmod(0o666)
    return path


def test_it_sees_no_course_and_no_file_of_others(tmp_path: Path, neighbour: Path) -> None:
    paths = [str(path) for path in (tmp_path / "course", neighbour, __file__, "/etc/shadow")]
    assert all(Path(path).exists() for path in paths[1:])
    code = f"import os\nfound = [path for path in {paths!r} if os.path.exists(path)]"
    assert found_by(tmp_path, code) == []


def test_it_writes_in_its_own_folders_only(tmp_path: Path) -> None:
    code = """
        import os, sys, nbjudge, numpy
        found = []
        for base in ("/", "/usr", "/etc", "/dev", "/proc/sys", os.path.join(sys.prefix, "bin"),
                     *nbjudge.__path__, *numpy.__path__):
            try:
                with open(os.path.join(base, "written-by-a-test"), "w"):
                    found.append(base)
            except OSError:
                pass
        with open("own.txt", "w") as file:
            file.write("the folder of its own can be written")
    """
    assert found_by(tmp_path, code) == []


def test_it_reaches_no_network(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        code = f"""
            import socket
            try:
                socket.create_connection({door.getsockname()!r}, 2).close()
                found = "reached"
            except OSError:
                found = "nothing"
        """
        assert found_by(tmp_path, code) == "nothing"


def test_it_sees_no_process_of_this_machine(tmp_path: Path) -> None:
    code = """
        import os
        found = [int(name) for name in os.listdir("/proc") if name.isdigit()]
        found = [number for number in found if number not in (1, os.getpid(), os.getppid())]
    """
    assert found_by(tmp_path, code) == []


def test_it_has_no_variable_of_the_graders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_TOKEN_OF_THE_GRADERS", "secret")
    assert (
        found_by(tmp_path, "import os\nfound = dict(os.environ)")
        .keys()
        .isdisjoint({"A_TOKEN_OF_THE_GRADERS", "NBJUDGE_SECRET", "SSH_AUTH_SOCK"})
    )


def test_it_has_no_capability(tmp_path: Path) -> None:
    code = """
        lines = dict(line.split(":\\t") for line in open("/proc/self/status") if ":\\t" in line)
        found = [int(lines[name], 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")]
    """
    assert found_by(tmp_path, code) == [0, 0, 0, 0]


TAKEN_OVER = {
    "points that are no number": '{"status": "passed", "points": NaN}',
    "no points": '{"status": "passed"}',
    "a status of its own": '{"status": "excellent", "points": 1, "parts": [], "message": ""}',
    "a list": "[]",
    "a deep list": "[" * 100_000,
    "no JSON": "1 point, please",
}


def says(kind: int, data: str) -> str:
    """Return a test that speaks to the grader itself."""
    return f"""
        import gc, socket, struct
        sock = next(s for s in gc.get_objects() if isinstance(s, socket.socket))
        data = {data!r}.encode()
        sock.sendall(struct.pack("!BQ", {kind}, len(data)) + data)
    """


@pytest.mark.parametrize("words", TAKEN_OVER.values(), ids=TAKEN_OVER)
def test_words_that_are_no_verdict_cost_that_question_only(tmp_path: Path, words: str) -> None:
    first, after = verdicts(result_of(tmp_path, says(6, words)))
    assert (first.status, first.points) == (Status.ERROR, 0)
    assert after.points == 1


def test_a_message_of_no_kind_costs_that_question_only(tmp_path: Path) -> None:
    first, after = verdicts(result_of(tmp_path, says(77, "x")))
    assert (first.status, first.points, after.points) == (Status.ERROR, 0, 1)


def test_a_message_without_end_is_not_waited_for(tmp_path: Path) -> None:
    code = """
        import gc, socket, struct
        sock = next(s for s in gc.get_objects() if isinstance(s, socket.socket))
        sock.sendall(struct.pack("!BQ", 6, 1 << 60) + bytes(100))
    """
    first, after = verdicts(result_of(tmp_path, code))
    assert (first.status, first.points, after.points) == (Status.ERROR, 0, 1)


def test_what_tests_print_fills_nothing(tmp_path: Path) -> None:
    code = """
        import os, sys, warnings
        for _ in range(100):
            print("x" * 10_000)
            print("x" * 10_000, file=sys.stderr)
            os.write(1, b"x" * 10_000)
        warnings.warn("of the instructor's own")
        assert double(3) == 6
    """
    first, after = verdicts(result_of(tmp_path, code))
    assert (first.points, after.points) == (1, 1)


def test_the_last_words_of_a_judge_that_died_are_kept_for_the_instructor(tmp_path: Path) -> None:
    code = """
        import os
        os.write(2, b"terminate called without an active exception")
        os.abort()
    """
    first, after = verdicts(result_of(tmp_path, code))
    assert (first.status, first.points, after.points) == (Status.ERROR, 0, 1)
    assert "terminate called" in first.detail


def test_a_course_may_show_it_more(tmp_path: Path, neighbour: Path) -> None:
    code = f"found = open({str(neighbour)!r}).read()"
    options = f"readonly=[{str(neighbour)!r}],"
    assert found_by(tmp_path, code, options=options) == "not yours"


def test_without_a_sandbox_a_judge_is_asked_for_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SandboxUnavailable):
        result_of(tmp_path / "sealed", "assert double(2) == 4")
    result = result_of(tmp_path / "unsealed", "assert double(2) == 4", options="unsealed=True,")
    assert [verdict.points for verdict in result.verdicts] == [1, 1]


def test_a_judge_that_does_not_start_is_no_zero(tmp_path: Path) -> None:
    course = sc.make_course(tmp_path / "course").course
    (notebook,) = [n for n in course.compile(sc.NAME).notebooks if n.name == "p2"]
    load = Load(
        notebook=notebook,
        files={"/usr/of-the-system.txt": b""},  # cannot be laid out
        judge_files={},
        language="en",
        reply_bytes=MIB,
        memory_bytes=8 * GIB,
        strict=False,
    )
    judge = JudgeProcess(load, course.settings)
    try:
        with pytest.raises(JudgeStartError, match=r"Read-only file system.*of-the-system"):
            judge.judge(0, b"seed", seconds=10, probe=lambda _request: ("died", b""))
    finally:
        judge.close()

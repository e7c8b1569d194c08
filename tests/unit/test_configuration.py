"""``nbjudge.configure``, what it refuses, and how a course's files and options are read."""

import pytest
from traitlets.config import Config
from traitlets.config.loader import DeferredConfigString

from nbjudge.configuration import configure, settings_from
from nbjudge.course import find_root, load_course
from nbjudge.errors import ConfigurationError
from nbjudge.limits import Limits
from nbjudge.settings import Settings


@pytest.fixture
def c():
    config = Config()
    configure(config)
    return config


def test_what_is_not_said_is_the_default(c):
    assert settings_from(c) == Settings()


def test_what_is_said_is_read_back():
    c = Config()
    configure(
        c,
        language="fr",
        tests="inside",
        limits={"cell_seconds": 5, "memory_bytes": 10**9},
        kernel_name="r",
        readonly=["/data"],
        environment={"LEVEL": "2"},
        prove=False,
        unsealed=True,
        warm=False,
        modules=["scipy.linalg"],
        figures=False,
    )
    assert settings_from(c) == Settings(
        language="fr",
        tests="inside",
        limits=Limits(cell_seconds=5, memory_bytes=10**9),
        kernel_name="r",
        readonly=("/data",),
        environment=(("LEVEL", "2"),),
        prove=False,
        unsealed=True,
        warm=False,
        modules=("scipy.linalg",),
        figures=False,
    )


WRONG = {
    "a limit that does not exist": ({"limits": {"cell_second": 5}}, "no limit 'cell_second'"),
    "a limit of nothing": ({"limits": {"cell_seconds": 0}}, "cell_seconds must be a number > 0"),
    "a limit that is text": ({"limits": {"cell_seconds": "5"}}, "got '5'"),
    "a limit that is a truth value": ({"limits": {"restarts": True}}, "got True"),
    "no limit at all": ({"limits": {"cell_seconds": float("inf")}}, "got inf"),
    "an unknown language": ({"language": "de"}, "language='de'; known are en, fr"),
    "an unknown place": ({"tests": "insdie"}, "'insdie'"),
    "one path in the place of a list": ({"readonly": "/data"}, "readonly='/data'"),
    "a relative path": ({"readonly": ["data"]}, "list of absolute paths"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_argument_is_named(what):
    arguments, said = WRONG[what]
    with pytest.raises(ConfigurationError, match=said):
        configure(Config(), **arguments)


@pytest.mark.parametrize("what", WRONG)
def test_an_option_set_to_a_wrong_value_afterwards_is_named(c, what):
    arguments, said = WRONG[what]
    for name, value in arguments.items():
        setattr(c.NbJudge, name, value)
    with pytest.raises(ConfigurationError, match=said):
        settings_from(c)


def test_a_configuration_without_the_call_says_what_to_add():
    with pytest.raises(ConfigurationError, match=r"nbjudge\.configure\(c\)"):
        settings_from(Config())


@pytest.mark.parametrize("section", ["Execute", "ExecutePreprocessor"])
@pytest.mark.parametrize("value", [7, 7.0, DeferredConfigString("7")])
def test_nbgraders_own_timeout_is_that_of_a_cell(c, section, value):
    c[section].timeout = value
    assert settings_from(c).limits == Limits(cell_seconds=7.0)


@pytest.mark.parametrize("value", [None, -1, 0])
def test_no_timeout_leaves_ours(c, value):
    c.Execute.timeout = value
    assert settings_from(c).limits == Limits()


def test_a_timeout_that_is_no_number_is_said(c):
    c.Execute.timeout = DeferredConfigString("long")
    with pytest.raises(ConfigurationError, match="nbgrader_config"):
        settings_from(c)


def test_nbgraders_own_kernel_goes_first(c):
    c.NbJudge.kernel_name = "mine"
    c.Execute.kernel_name = "theirs"
    assert settings_from(c).kernel_name == "theirs"


@pytest.mark.parametrize("value", [False, DeferredConfigString("False")])
def test_notebooks_are_always_run(c, value):
    c.Execute.enabled = value
    with pytest.raises(ConfigurationError, match="--no-execute"):
        settings_from(c)


@pytest.mark.parametrize(
    ("value", "proved"), [(DeferredConfigString("False"), False), ("x", True), (0, False)]
)
def test_an_option_from_the_command_line_is_text_that_means_something(c, value, proved):
    c.NbJudge.prove = value
    assert settings_from(c).prove is proved


def test_error_output_is_passed_over_only_where_nbgrader_does(c):
    c.IgnorePattern.pattern = "NNPACK"
    assert settings_from(c).ignored_stderr == ""
    c.IgnorePattern.enabled = True
    assert settings_from(c).ignored_stderr == "NNPACK"
    c.IgnorePattern.pattern = "("
    with pytest.raises(ConfigurationError):
        settings_from(c)


# The course's files.


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write a course's configuration; Jupyter's folders are empty ones."""
    jupyter = tmp_path / "jupyter"
    jupyter.mkdir()
    for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_CONFIG_PATH"):
        monkeypatch.setenv(name, str(jupyter))
    monkeypatch.setattr("sys.path", list(__import__("sys").path))

    def made(*lines, folder="course"):
        path = tmp_path / folder / "nbgrader_config.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(("c = get_config()", *lines)), "utf-8")
        return path.parent

    return made


CALL = ("import nbjudge", "nbjudge.configure(c)")


def test_a_course_has_nbgraders_folders(write):
    root = write(*CALL)
    course = load_course(root)
    assert course.folder("submitted") == root / "submitted"
    assert course.folder("solution") == root / "solutions"
    assert course.db_url == f"sqlite:///{root / 'gradebook.db'}"
    assert course.course_id == ""
    assert course.permissions == 0o444
    assert course.excluded == frozenset()


def test_a_course_may_name_its_folders_and_more(write):
    root = write(
        *CALL,
        'c.CourseDirectory.submitted_directory = "rendus"',
        'c.CourseDirectory.course_id = " ml "',
        'c.CourseDirectory.student_id_exclude = "a,b"',
        "c.CourseDirectory.groupshared = True",
        'c.CourseDirectory.ignore.append("private")',
    )
    course = load_course(root)
    assert course.folder("submitted") == root / "rendus"
    assert course.course_id == "ml"
    assert course.excluded == {"a", "b"}
    assert course.permissions == 0o664
    assert "private" in course.sources("tp").ignore
    assert ".ipynb_checkpoints" in course.sources("tp").ignore


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://host/book", "postgresql://host/book"),
        (
            "postgresql+psycopg://me@host:5432/book?x=1",
            "postgresql+psycopg://me@host:5432/book?x=1",
        ),
        ("sqlite:////var/book.db", "sqlite:////var/book.db"),
        ("sqlite://", "sqlite://"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("sqlite:///data/book.db", "sqlite:///{root}/data/book.db"),
    ],
)
def test_a_gradebook_is_where_the_course_says(write, url, expected):
    root = write(*CALL, f"c.CourseDirectory.db_url = {url!r}")
    assert load_course(root).db_url == expected.format(root=root)


def test_jupyters_own_configuration_is_read_first(write):
    write(*CALL, "c.CourseDirectory.course_id = 'all'", "c.Execute.timeout = 9", folder="jupyter")
    root = write("c.CourseDirectory.course_id = 'mine'")
    course = load_course(root)
    assert course.course_id == "mine"
    assert course.settings.limits.cell_seconds == 9


def test_a_course_may_lie_elsewhere(write, tmp_path):
    root = write("c.CourseDirectory.db_url = 'sqlite:///marks.db'", folder="elsewhere")
    here = write(*CALL, f"c.CourseDirectory.root = {str(root)!r}")
    course = load_course(here)
    assert course.root == root
    assert course.db_url == f"sqlite:///{root / 'marks.db'}"


def test_a_configuration_may_import_a_module_of_its_course(write, tmp_path):
    root = write("import a_module_of_the_course", *CALL)
    (root / "a_module_of_the_course.py").write_text("", "utf-8")
    assert load_course(root).settings == Settings()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("1 / 0", r"nbgrader_config\.py, line 2: ZeroDivisionError"),
        ("if:", r"nbgrader_config\.py, line 2: SyntaxError"),
        ("import nbjudge; nbjudge.configure(c, language='xx')", "language='xx'"),
        ("import no_such_module_anywhere", "ModuleNotFoundError"),
    ],
)
def test_a_configuration_that_stops_names_the_line(write, line, said):
    with pytest.raises(ConfigurationError, match=said):
        load_course(write(line))


def test_a_layout_of_folders_that_we_do_not_know_is_refused(write):
    root = write(*CALL, 'c.CourseDirectory.directory_structure = "{student_id}/{nbgrader_step}"')
    with pytest.raises(ConfigurationError, match="`nbgrader autograde` works with yours"):
        load_course(root)


def test_a_course_is_found_from_below(write):
    root = write(*CALL)
    (root / "source" / "tp1").mkdir(parents=True)
    assert find_root(root / "source" / "tp1") == root


def test_no_course_says_where_it_was_looked_for(tmp_path):
    with pytest.raises(ConfigurationError, match="--course FOLDER"):
        find_root(tmp_path)
    with pytest.raises(ConfigurationError, match="there is no nbgrader_config"):
        load_course(tmp_path)


def test_assignments_are_the_folders_with_a_notebook(write):
    root = write(*CALL)
    assert load_course(root).assignments() == []
    for name in ("tp2", "tp1", "empty"):
        (root / "source" / name).mkdir(parents=True)
    for name in ("tp2", "tp1"):
        (root / "source" / name / "n.ipynb").write_text("{}", "utf-8")
    assert load_course(root).assignments() == ["tp1", "tp2"]

"""Leftovers of Colab cost no point of what stands beside them; right code is not touched."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbjudge.colab import repair_leftovers

DOWNLOAD = "A line that installs or downloads was not run: there is no network here."
COLAB = "Lines that use google.colab were not run."
CUDA = "The device « cuda » was replaced by « cpu »: there is no GPU here."


def ran(source, **names):
    """Names after a cell has run here, where there is no Colab and no GPU."""
    space = dict(names)
    exec(compile(source, "<cell>", "exec"), space)
    return space


class Tensor:
    """A tensor's way between devices."""

    def __init__(self, device="cpu"):
        self.device = device

    def to(self, device):
        return Tensor(device)

    def cpu(self):
        return Tensor("cpu")

    def cuda(self, *_args, **_kwargs):
        raise AssertionError("Torch not compiled with CUDA enabled")

    def __add__(self, _other):
        return self


@pytest.mark.parametrize(
    "line",
    [
        "!pip install torch",
        "! pip install -q torch",
        "!pip3 install torch",
        "%pip install torch",
        "pip install torch",
        "conda install torch",
        "%conda install torch",
        "!!pip install torch",
        "!python -m pip install torch",
        "!{sys.executable} -m pip install torch",
        "!apt-get install -y graphviz",
        "!sudo apt install graphviz",
        "!wget https://example.org/data.csv",
        "!curl -O https://example.org/data.csv",
        "!git clone https://example.org/x.git",
        "!gdown 1234",
        "!pip install a \\\n    b \\\n    c",
    ],
)
def test_a_line_that_installs_or_downloads_is_not_run(line):
    source, repairs = repair_leftovers(f"x = 1\n{line}\ndef f():\n    return x + 1")
    assert repairs == (DOWNLOAD,)
    assert ran(source)["f"]() == 2
    assert len(source.split("\n")) == 3 + len(line.split("\n"))


def test_an_install_in_a_block_leaves_the_block_whole():
    source, repairs = repair_leftovers(
        "if True:\n    !pip install x\nelse:\n\t%pip install y\nz = 1"
    )
    assert repairs == (DOWNLOAD,)
    assert ran(source)["z"] == 1


def test_two_leftovers_of_one_kind_have_one_sentence():
    _source, repairs = repair_leftovers("!pip install a\n!pip install b\nx.cuda()\ny.cuda()")
    assert repairs == (DOWNLOAD, CUDA)


@pytest.mark.parametrize("magic", ["%%capture", "%%time", "%%capture out --no-stderr"])
def test_a_cell_magic_over_python_keeps_its_first_line(magic):
    source, repairs = repair_leftovers(f"{magic}\n!pip install x\ny = 1")
    assert repairs == (DOWNLOAD,)
    assert source.split("\n")[0] == magic
    assert source.endswith("\ny = 1")


UNTOUCHED = [
    "",
    "x = 1",
    "!ls data",
    "!nvidia-smi",
    "%matplotlib inline\nx = 1",
    "%%bash\npip install x\n!pip install y",
    "%%html\n<script>drive.mount('cuda')</script>",
    "%%writefile a.py\n!pip install x",
    "# !pip install x\nx = 1",
    'text = """\n!pip install x\n%pip install y\nfrom google.colab import drive\n"""',
    'text = """\n!pip install x\n"""\n!ls',
    'f"""\n!pip install {x}\n"""\n%time x',
    "percent = ('%d'\n    % pip)",
    "def f(:\n!pip install x\nfrom google.colab import drive\nx.cuda()",  # does not parse
    "pip = 3\nprint(pip)",
    "try:\n    import google.colab\n    IN_COLAB = True\nexcept ImportError:\n    IN_COLAB = False",
    "try:\n    from google.colab import drive\n    drive.mount('/d')\nexcept:\n    pass",
    "try:\n    from google.colab import files\n    files.upload()\n"
    "except (ModuleNotFoundError, OSError):\n    files = None",
    "IN_COLAB = 'google.colab' in str(get_ipython())",
    "print('from google.colab import drive')",
    "files = sorted(names)\nfiles.download()",
    "from mylibrary import drive\ndrive.mount('/d')",
    "files.sort()",
    "device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')",
    'device = "cuda:0" if torch.cuda.is_available() else "cpu"',
    "if torch.cuda.is_available():\n    device = 'cuda'\n    model.cuda()\nelse:\n    d = 'cpu'",
    "use_cuda = torch.cuda.is_available()\ndevice = 'cuda' if use_cuda else 'cpu'",
    "use = torch.cuda.device_count() > 0\nif use:\n    model.to('cuda')",
    "if device == 'cuda':\n    torch.cuda.synchronize()",
    "if device.type == 'cuda':\n    pass",
    "print('cuda')\nx = 'cuda'\nwords = ['cuda', 'cpu']\nd = {'cuda': 1}",
    "# model.cuda() and device = 'cuda'",
    '"""Call model.cuda(), then x.to("cuda")."""',
    "cuda = 3\ncuda.bit_length()",
    "torch.cuda.manual_seed(0)\ntorch.cuda.empty_cache()",
    "device = 'cpu'\nx.to(device)",
    "x.replace('cuda', 'cpu')",
    'name = f"{model.cuda()}"',
]


@pytest.mark.parametrize("source", UNTOUCHED)
def test_right_code_text_and_comments_are_left_exactly_as_they_are(source):
    assert repair_leftovers(source) == (source, ())


@pytest.mark.parametrize(
    "leftover",
    [
        "from google.colab import drive\ndrive.mount('/content/drive')",
        "from google.colab import drive; drive.mount('/content/drive')",
        "from google.colab import drive ; x = 1 ; drive.mount('/é'); y = 2",
        "from google.colab import (\n    drive,\n    files,\n)\ndrive.mount(\n    1,\n    2,\n)",
        "import google.colab\ngoogle.colab.drive.mount('/d')",
        "import google.colab.drive as d\nd.mount('/d')",
        "from google import colab\ncolab.drive.mount('/d')",
        "from google.colab import files\nup = files.upload()\nfor name in up: print(name)",
        "from google.colab import files\nfor i in range(2):\n    files.download('x')",
        "from google.colab import files\nif True: files.download('x')",
        "from google.colab import files\nu: dict = files.upload()\nassert u == {}",
        "from google.colab import files\nsize = len(files.upload())\nassert not size",
        "from google.colab.patches import cv2_imshow\ncv2_imshow(3)",
        "import math, google.colab\nassert math.pi",
        "import google.colab, math as m\nassert m.pi",
        "from google.colab import drive as d, files\nd.mount('/d')\nfiles.upload()",
        "def setup():\n    from google.colab import drive\n    drive.mount('/d')\nsetup()",
        "def setup():\n    from google.colab import drive; drive.mount('/d')\nsetup()",
        "%load_ext google.colab.data_table",
        "drive.mount('/content/drive')",
        "files.upload()",
        "uploaded = files.upload()",
        "auth.authenticate_user()",
    ],
)
def test_what_uses_colab_is_not_run_and_the_rest_is(leftover):
    whole = f"before = 'é'\n{leftover}\ndef f():\n    return before"
    source, repairs = repair_leftovers(whole)
    assert repairs == (COLAB,)
    assert ran(source)["f"]() == "é"
    assert len(source.split("\n")) == len(whole.split("\n"))


def test_a_statement_that_shares_its_line_leaves_the_others():
    source, _ = repair_leftovers("é = 'é'; from google.colab import drive; x = 1; drive.mount(é)")
    assert ran(source)["x"] == 1
    source, _ = repair_leftovers("drive.mount(\n    '/d'\n); x = 1\ny = 2")
    space = ran(source)
    assert (space["x"], space["y"]) == (1, 2)


def test_a_statement_with_lines_of_its_own_stays_readable():
    source, _ = repair_leftovers("drive.mount(\n    '/d',\n)")
    assert source == "pass  # drive.mount(\n# '/d',\n# )"


def test_a_name_of_colab_that_the_cell_binds_anew_is_the_students():
    whole = "from google.colab import files\nfiles = [2, 1]\nfiles.sort()"
    source, repairs = repair_leftovers(whole)
    assert repairs == (COLAB,)
    assert ran(source)["files"] == [1, 2]


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("y = x.to('cuda')", "cpu"),
        ('y = x.to("cuda:0")', "cpu"),
        ("y = x.cuda()", "cpu"),
        ("y = x.cuda(0)", "cpu"),
        ("y = x.cuda(non_blocking=True)", "cpu"),
        ("y = (x + x).cuda()", "cpu"),
        ("y = ((x)).cuda().to('cuda')", "cpu"),
        ("y = x.cuda(x.cuda())", "cpu"),
        ("y = Tensor(device='cuda')", "cpu"),
        ("y = (\n    x\n    .cuda()\n)", "cpu"),
        ("y = x.cuda(\n    0\n)", "cpu"),
        ("device = 'cuda'\ny = x.to(device)", "cpu"),
        ("DEVICE: str = 'cuda'\ny = x.to(DEVICE)", "cpu"),
        ("device = 'cuda' if big else 'cpu'\ny = x.to(device)", "cpu"),
        ("my_device = dev = 'cuda'\ny = x.to(my_device)", "cpu"),
        ("def f(a, device='cuda', *, b=1): return a.to(device)\ny = f(x)", "cpu"),
        ("def f(a, *, device='cuda'): return a.to(device)\ny = f(x)", "cpu"),
        ("f = lambda a, device='cuda': a.to(device)\ny = f(x)", "cpu"),
        ("é = 'é'; y = x.to('cuda') ; z = 'é'", "cpu"),
        ("x.device = 'cuda'\ny = x", "cpu"),
        ("if torch_cuda: pass\ny = x.cuda()", "cpu"),
    ],
)
def test_a_device_that_is_not_here_becomes_the_cpu(statement, expected):
    source, repairs = repair_leftovers(f"{statement}\nz = 1")
    assert repairs == (CUDA,)
    space = ran(source, x=Tensor(), Tensor=Tensor, big=True, torch_cuda=False)
    assert space["y"].device == expected
    assert space["z"] is not None
    assert len(source.split("\n")) == len(statement.split("\n")) + 1


def test_only_the_mention_that_is_not_guarded_is_replaced():
    guard = "device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')"
    source, repairs = repair_leftovers(f"{guard}\nx.to('cuda')\nif device == 'cuda': print('cuda')")
    assert repairs == (CUDA,)
    assert source == f"{guard}\nx.to(\"cpu\")\nif device == 'cuda': print('cuda')"


def test_all_leftovers_of_one_cell_are_repaired_together():
    whole = (
        "!pip install torch\nfrom google.colab import drive\ndrive.mount('/d')\n"
        "%matplotlib inline\nx = x.cuda()"
    )
    source, repairs = repair_leftovers(whole)
    assert repairs == (DOWNLOAD, COLAB, CUDA)
    assert source.split("\n")[3:] == ["%matplotlib inline", "x = x.cpu()"]


@pytest.mark.parametrize("separator", ["\x0c", "\u2028", "\x85", "\x1c", "\x0b"])
def test_a_separator_that_python_does_not_count_as_a_line_moves_nothing(separator):
    whole = (
        f"text = 'a{separator}b'\n# {separator}\nfrom google.colab import drive\nx.cuda()\ny = 1"
    )
    source, repairs = repair_leftovers(whole)
    assert repairs == (COLAB, CUDA)
    assert source.split("\n")[0] == whole.split("\n", maxsplit=1)[0]
    assert source.split("\n")[4] == "y = 1"
    ast.parse(source)


FRAGMENTS = st.sampled_from(
    ["!pip install x", "from google.colab import drive", "drive.mount('é')", "x.cuda()", "\n", "; ",
     "    ", "if a:", "device = 'cuda'", '"""', "'", "(", ")", "\\\n", "# ", "é", "%time ", "x = ",
     "\x0c", "%%capture", "?", "import google.colab, os", "try:", "except ImportError:", "pass"]
)  # fmt: skip


@given(st.lists(FRAGMENTS, max_size=12).map("".join))
def test_no_cell_is_broken_and_no_line_is_moved(source):
    repaired, repairs = repair_leftovers(source)
    assert len(source.split("\n")) == len(repaired.split("\n"))
    if not repairs:
        assert source == repaired
    try:
        ast.parse(source)
    except (SyntaxError, ValueError):
        return
    ast.parse(repaired)

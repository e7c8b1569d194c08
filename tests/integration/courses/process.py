"""(e) Figures, files and the notebook itself: what lives in the student's process.

``OUTSIDE`` works outside, or by a test written a little otherwise.  ``INSIDE`` cannot: each test
cell is refused while the reference is proved, by name, and runs inside with a tag.
"""

from courses import Question

IMPORTS = """
import numpy as np
import matplotlib.pyplot as plt
"""

OUTSIDE = [
    Question(
        "figure_returned",
        """
        def plot(x, y):
            fig, ax = plt.subplots()
            ax.plot(x, y, label="data")
            ax.set_xlabel("t")
            ax.legend()
            return ax
        """,
        """
        def plot(x, y):
            plt.figure()
            plt.plot(x, y, label="data")
            plt.xlabel("t")
            plt.legend()
            return plt.gca()
        """,
        "def plot(x, y):\n    fig, ax = plt.subplots()\n    ax.plot(y, x)\n    return ax",
        [
            """
            ax = plot([0, 1], [2, 3])
            assert isinstance(ax, plt.Axes) and ax.get_xlabel() == "t"
            assert len(ax.lines) == 1 and list(ax.lines[0].get_ydata()) == [2, 3]
            assert [t.get_text() for t in ax.get_legend().get_texts()] == ["data"]
            """
        ],
    ),
    Question(
        "figure_kept",
        "fig, axes = plt.subplots()\naxes.bar(['a', 'b'], [1, 2])\naxes.set_title('Bars')",
        "fig = plt.figure()\naxes = fig.add_subplot()\naxes.set(title='Bars')\n"
        "axes.bar([0, 1], height=[1, 2])",
        "fig, axes = plt.subplots()\naxes.plot([1, 2])",
        ["assert axes.get_title() == 'Bars' and [p.get_height() for p in axes.patches] == [1, 2]"],
    ),
    Question(
        "figure_given",
        "frame.plot([1, 2, 3])\nframe.set_ylabel('y')",
        "frame.set_ylabel('y')\nframe.scatter([1], [1])\nframe.plot([0, 1])",
        "pass",
        ["assert frame.get_ylabel() == 'y' and len(frame.lines) == 1"],
        given="figure, frame = plt.subplots()",
    ),
    Question(
        "written",
        """
        def save(path, rows):
            with open(path, "w") as file:
                for row in rows:
                    file.write(",".join(map(str, row)) + "\\n")
        """,
        """
        def save(path, rows):
            text = "".join(",".join(str(x) for x in row) + "\\n" for row in rows)
            open(path, "w").write(text)
        """,
        "def save(path, rows): open(path, 'w').write(str(rows))",
        [
            """
            from nbjudge.testing import probe

            @probe
            def written(save, rows):
                import os, tempfile
                path = os.path.join(tempfile.mkdtemp(), "rows.csv")
                save(path, rows)
                with open(path) as file:
                    return file.read()

            assert written(save, [[1, 2], [3, 4]]) == "1,2\\n3,4\\n"
            """
        ],
    ),
    Question(
        "in_place",
        "def double_all(x):\n    for i in range(len(x)):\n        x[i] *= 2",
        "def double_all(x): x[:] = [2 * v for v in x]",
        "def double_all(x): return [2 * v for v in x]",
        [
            """
            from nbjudge.testing import probe

            @probe
            def after(function, x):
                function(x)
                return x

            assert after(double_all, [1, 2]) == [2, 4]
            """
        ],
    ),
    Question(
        "left_alone",
        "def smallest(x): return sorted(x)[0]",
        "def smallest(x): return min(x)",
        "def smallest(x):\n    x.sort()\n    return x[0]",
        [
            """
            from nbjudge.testing import probe

            @probe
            def around(function, x):
                return function(x), x

            assert around(smallest, [3, 1, 2]) == (1, [3, 1, 2])
            """
        ],
    ),
    Question(
        "copied",
        "original = [1, 2]\ncopied = original[:]",
        "original = [1, 2]\ncopied = list(original)",
        "original = [1, 2]\ncopied = original",
        [
            """
            from nbjudge.testing import probe

            @probe
            def joined():
                from __main__ import copied, original
                copied.append(3)
                return original, copied

            assert joined() == ([1, 2], [1, 2, 3])
            assert original == [1, 2]
            """
        ],
    ),
    Question(
        "avoided",
        "def spread(x): return (np.max(x) - np.min(x)) / 2",
        "def spread(x): return (max(x) - min(x)) / 2",
        "def spread(x): return np.ptp(x) / 2",
        [
            """
            from nbjudge.testing import probe

            @probe
            def without_ptp(function, x):
                import numpy
                calls, kept = [], numpy.ptp
                numpy.ptp = lambda *a, **k: calls.append(1) or kept(*a, **k)
                try:
                    return function(x), len(calls)
                finally:
                    numpy.ptp = kept

            assert without_ptp(spread, [1.0, 5.0]) == (2.0, 0), "np.ptp is not allowed here"
            """
        ],
    ),
]

INSIDE = [
    Question(
        "current_figure",
        "def draw(x):\n    plt.plot(x)\n    plt.xlabel('time')",
        "def draw(x):\n    plt.figure()\n    plt.gca().plot(x)\n    plt.gca().set(xlabel='time')",
        "def draw(x): plt.plot(x)",
        [
            """
            draw([1, 2])
            ax = plt.gca()
            assert ax.get_xlabel() == "time" and len(ax.lines) == 1
            """
        ],
    ),
    Question(
        "file_read",
        "with open('numbers.txt', 'w') as file:\n    file.write('1 2 3')",
        "file = open('numbers.txt', 'w')\nfile.write('1 2 3')\nfile.close()",
        "with open('numbers.txt', 'w') as file:\n    file.write('3 2 1')",
        ["assert open('numbers.txt').read() == '1 2 3'"],
    ),
    Question(
        "identity",
        "first = [1]\nsecond = first",
        "second = [1]\nfirst = second",
        "first = [1]\nsecond = [1]",
        ["assert first is second"],
    ),
    Question(
        "unchanged",
        "def last(x): return x[-1]",
        "def last(x): return x[len(x) - 1]",
        "def last(x): return x.pop()",
        ["values = [1, 2]\nassert last(values) == 2\nassert values == [1, 2]"],
    ),
    Question(
        "shell",
        "answer = 6 * 7",
        "answer = 42",
        "answer = 41",
        ["assert get_ipython().user_ns['answer'] == 42"],
    ),
    Question(
        "mocked",
        "def load(path): return path\ndef size(path): return len(load(path))",
        "def load(path): return path\ndef size(path):\n    text = load(path)\n    return len(text)",
        "def load(path): return path\ndef size(path): return len(path)",
        [
            """
            from unittest.mock import patch
            import __main__
            with patch.object(__main__, "load", return_value="abcd") as mock:
                assert size("x") == 4
            mock.assert_called_once_with("x")
            """
        ],
    ),
]

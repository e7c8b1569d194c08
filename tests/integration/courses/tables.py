"""(b) Variables by value, tables of pandas, and cells that build on each other."""

from courses import Question

IMPORTS = """
import numpy as np
import pandas as pd
from fractions import Fraction
from datetime import date

sales = pd.DataFrame(
    {
        "shop": ["north", "south", "north", "east"],
        "day": pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-02", "2024-01-05"]),
        "units": [3, 5, 4, None],
        "price": [2.0, 1.5, 2.5, 4.0],
    }
)
"""

QUESTIONS = [
    Question(
        "by_value",
        """
        numbers = [3, 1, 2]
        largest = max(numbers)
        names = {"ada": 36, "alan": 41}
        pairs = list(names.items())
        letters = set("banana")
        title = "Tables"
        nothing = None
        """,
        """
        numbers = [3, 1, 2]
        largest = sorted(numbers)[-1]
        names = dict(ada=36, alan=41)
        pairs = [(name, age) for name, age in names.items()]
        letters = {"a", "b", "n"}
        title = "Ta" + "bles"
        nothing = None
        """,
        """
        numbers = [3, 1, 2]
        largest = 2
        names = {"ada": 36}
        pairs = [["ada", 36]]
        letters = "ban"
        title = "tables"
        nothing = 0
        """,
        [
            "assert largest == 3 and isinstance(largest, int)",
            "assert names == {'ada': 36, 'alan': 41}, 'names'\n"
            "assert max(names, key=names.get) == 'alan'",
            "assert pairs == [('ada', 36), ('alan', 41)]\n"
            "assert all(type(p) is tuple for p in pairs)",
            "assert isinstance(letters, set) and letters == {'a', 'b', 'n'} and len(letters) == 3",
            "assert title.startswith('Ta') and title.lower() == 'tables' and len(title) == 6",
            "assert nothing is None",
        ],
    ),
    Question(
        "exact",
        "third = Fraction(1, 3)\nbirthday = date(2024, 2, 29)\nz = (1 + 2j) ** 2",
        "third = 1 / Fraction(3)\nbirthday = date.fromisoformat('2024-02-29')\nz = -3 + 4j",
        "third = 1 / 3\nbirthday = '2024-02-29'\nz = 5",
        [
            """
            assert isinstance(third, Fraction) and third * 3 == 1
            assert third.denominator == 3 and third < Fraction(1, 2)
            """,
            "assert birthday.year == 2024 and (date(2024, 3, 1) - birthday).days == 1",
            "assert z.real == -3 and z.imag == 4 and abs(z) == 5",
        ],
    ),
    Question(
        "clean",
        "def clean(table): return table.dropna().reset_index(drop=True)",
        "def clean(table):\n    kept = table[table.notna().all(axis=1)].copy()\n"
        "    kept.index = range(len(kept))\n    return kept",
        "def clean(table): return table.fillna(0)",
        [
            """
            result = clean(sales)
            assert isinstance(result, pd.DataFrame)
            assert result.shape == (3, 4)
            assert list(result.columns) == ["shop", "day", "units", "price"]
            assert not result.isna().any().any()
            """,
            """
            expected = sales.iloc[:3].reset_index(drop=True)
            pd.testing.assert_frame_equal(clean(sales), expected)
            assert clean(sales).equals(expected)
            """,
        ],
    ),
    Question(
        "revenue",
        "sales['revenue'] = sales.units * sales.price",
        "sales = sales.assign(revenue=sales['price'] * sales['units'])",
        "sales['revenue'] = sales.units + sales.price",
        [
            """
            assert "revenue" in sales.columns, "add the column revenue"
            assert sales["revenue"].sum() == 6 + 7.5 + 10
            assert np.isnan(sales.loc[3, "revenue"])
            """
        ],
    ),
    Question(
        "by_shop",
        "per_shop = sales.groupby('shop')['revenue'].sum()",
        "per_shop = sales.pivot_table(index='shop', values='revenue', aggfunc='sum')['revenue']",
        "per_shop = sales.groupby('shop')['units'].sum()",
        [
            """
            assert isinstance(per_shop, pd.Series)
            assert per_shop["north"] == 16.0 and per_shop["south"] == 7.5
            assert per_shop.index.name == "shop"
            assert list(per_shop.index) == ["east", "north", "south"]
            """,
            """
            shops = pd.Index(["north", "south"], name="shop")
            expected = pd.Series([16.0, 7.5], index=shops, name="revenue")
            pd.testing.assert_series_equal(per_shop.drop("east"), expected)
            """,
        ],
        after="best = per_shop.idxmax()",
    ),
    Question(
        "best",
        "def best_shop(series): return series.idxmax()",
        "def best_shop(series): return series.sort_values().index[-1]",
        "def best_shop(series): return series.idxmin()",
        [
            "assert best_shop(pd.Series({'a': 1, 'b': 2})) == 'b'",
            """
            assert found == ["y", "x"], f"found is {found}"
            assert len(found) == 2 and found[0] == "y"
            """,
        ],
        after="""
        found = []
        for series in ({"x": 1, "y": 2}, {"x": 2, "y": 1}):
            found.append(best_shop(pd.Series(series)))
        """,
    ),
    Question(
        "days",
        "def weekly(table): return table.set_index('day')['price'].resample('D').mean()",
        "def weekly(table):\n    days = pd.Grouper(key='day', freq='D')\n"
        "    return table.groupby(days)['price'].mean()",
        "def weekly(table): return table.groupby('day')['price'].mean()",
        [
            """
            result = weekly(sales)
            assert result.index[0] == pd.Timestamp("2024-01-01") and len(result) == 5
            assert result.loc["2024-01-02"] == 2.0
            assert pd.isna(result.iloc[2])
            """
        ],
    ),
    Question(
        "groups",
        "grouped = sales.groupby('shop')",
        "grouped = sales.groupby(sales.shop)",
        "grouped = sales.groupby('day').price",
        [
            """
            assert grouped.ngroups == 3
            assert grouped["price"].max()["north"] == 2.5
            assert len(grouped.get_group("south")) == 1
            """
        ],
    ),
    Question(
        "array",
        "matrix = np.arange(6).reshape(2, 3)",
        "matrix = np.array([[0, 1, 2], [3, 4, 5]])",
        "matrix = np.arange(6).reshape(3, 2)",
        [
            """
            assert matrix.shape == (2, 3) and matrix.sum() == 15
            total = matrix.sum(axis=0)
            """,
            """
            assert (total == [3, 5, 7]).all(), "column sums"
            assert matrix[1, 2] == 5 and matrix.T.shape == (3, 2)
            """,
        ],
    ),
    Question(
        "shuffle",
        "def ranks(x): return {v: k for k, v in enumerate(sorted(x))}",
        "def ranks(x): return dict(zip(sorted(x), range(len(x))))",
        "def ranks(x): return {v: k for k, v in enumerate(x)}",
        [
            """
            check_ranks([3, 1], {1: 0, 3: 1})
            check_ranks("ba", {"a": 0, "b": 1})
            """
        ],
        given="""
        def check_ranks(values, expected):
            result = ranks(values)
            assert isinstance(result, dict), "ranks must return a dict"
            assert result == expected, f"expected {expected}, got {result}"
        """,
    ),
]

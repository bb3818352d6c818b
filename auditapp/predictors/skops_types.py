"""Types beyond skops' own defaults that a skops file may hold. A file cannot widen this list.

Each was seen in the dump of a scikit-learn estimator listed in tests/test_predictors_skops.py,
which dumps and reloads every supported one.
"""

TRUSTED = frozenset(
    {
        "numpy.dtype",
        "sklearn.tree._tree.Tree",
    }
)

"""Every scikit-learn estimator and pipeline that a skops file may hold, fitted on small data.

Run in a child, where importing skops does not pull torch into the test process.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

Json = dict[str, Any]


def round_trip(payload: Json, tick: Any) -> Json:
    """Dump and reload each; say which types the file holds and whether predictions agree."""
    from auditapp.predictors.child import _NoTorch

    sys.meta_path.insert(0, _NoTorch())
    warnings.simplefilter("ignore")
    import skops.io

    numbers, target, frame = _data()
    found = {}
    for name, estimator, mixed in estimators():
        data = frame if mixed else numbers
        estimator.fit(data, target)
        dumped = skops.io.dumps(estimator)
        types = skops.io.get_untrusted_types(data=dumped)
        loaded = skops.io.loads(dumped, trusted=types)
        same = [
            bool(np.array_equal(getattr(estimator, method)(data), getattr(loaded, method)(data)))
            for method in ("predict_proba", "decision_function", "predict")
            if hasattr(estimator, method)
        ]
        found[name] = {"types": types, "same": all(same) and bool(same)}
    return found


def _data() -> tuple[Any, Any, Any]:
    import pandas as pd

    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(120, 4))
    target = (numbers[:, 0] + 0.5 * rng.normal(size=120) > 0).astype(int)
    frame = pd.DataFrame(numbers, columns=["a", "b", "c", "d"])
    frame["job"] = rng.choice(["nurse", "clerk", "other"], 120)
    frame["code"] = rng.integers(0, 5, 120)
    frame.loc[::7, "b"] = np.nan
    return numbers, target, frame


def estimators() -> Iterator[tuple[str, Any, bool]]:
    """Yield (name, unfitted estimator, whether it takes the mixed frame)."""
    for group in (_linear, _trees, _neighbours, _others, _meta, _searches, _preprocessing):
        yield from ((name, estimator, False) for name, estimator in group())
    yield from ((name, estimator, True) for name, estimator in _columns())


def _linear() -> Iterator[tuple[str, Any]]:
    from sklearn import discriminant_analysis, linear_model, svm

    yield "logistic", linear_model.LogisticRegression()
    yield (
        "logistic cv",
        linear_model.LogisticRegressionCV(
            Cs=2, cv=2, scoring="neg_log_loss", l1_ratios=(0,), use_legacy_attributes=False
        ),
    )
    yield "ridge classifier", linear_model.RidgeClassifier()
    yield "sgd", linear_model.SGDClassifier(loss="log_loss")
    yield "perceptron", linear_model.Perceptron()
    yield "linear regression", linear_model.LinearRegression()
    yield "elastic net", linear_model.ElasticNet()
    yield "tweedie", linear_model.TweedieRegressor(power=0)
    yield "poisson", linear_model.PoissonRegressor()
    yield "linear svc", svm.LinearSVC()
    yield "svc", svm.SVC()
    yield "lda", discriminant_analysis.LinearDiscriminantAnalysis()
    yield "qda", discriminant_analysis.QuadraticDiscriminantAnalysis()


def _trees() -> Iterator[tuple[str, Any]]:
    from sklearn import ensemble, tree

    yield "tree", tree.DecisionTreeClassifier(max_depth=3)
    yield "tree regressor", tree.DecisionTreeRegressor(max_depth=3)
    yield "forest", ensemble.RandomForestClassifier(5)
    yield "forest regressor", ensemble.RandomForestRegressor(5)
    yield "extra trees", ensemble.ExtraTreesClassifier(5)
    yield "boosting", ensemble.GradientBoostingClassifier(n_estimators=5)
    yield "histogram boosting", ensemble.HistGradientBoostingClassifier(max_iter=5)
    yield (
        "histogram boosting, early stop",
        ensemble.HistGradientBoostingClassifier(max_iter=5, early_stopping=True),
    )
    yield "histogram regressor", ensemble.HistGradientBoostingRegressor(max_iter=5)
    yield "ada boost", ensemble.AdaBoostClassifier(n_estimators=5)
    yield "bagging", ensemble.BaggingClassifier(n_estimators=5)


def _neighbours() -> Iterator[tuple[str, Any]]:
    from sklearn import naive_bayes, neighbors, neural_network

    yield "neighbours", neighbors.KNeighborsClassifier()
    for tree in ("ball_tree", "kd_tree"):
        for metric in ("manhattan", "chebyshev", "euclidean"):
            yield (
                f"neighbours, {tree}, {metric}",
                neighbors.KNeighborsClassifier(algorithm=tree, metric=metric),
            )
    yield "neighbours, p 3", neighbors.KNeighborsClassifier(p=3)
    yield "neighbours, brute", neighbors.KNeighborsClassifier(algorithm="brute")
    yield "nearest centroid", neighbors.NearestCentroid()
    yield "gaussian bayes", naive_bayes.GaussianNB()
    yield "bernoulli bayes", naive_bayes.BernoulliNB()
    yield "network", neural_network.MLPClassifier((4,), max_iter=5)
    yield "network, sgd", neural_network.MLPClassifier((4,), max_iter=5, solver="sgd")
    yield "network, lbfgs", neural_network.MLPClassifier((4,), max_iter=5, solver="lbfgs")
    yield (
        "network, early stop",
        neural_network.MLPClassifier((4,), max_iter=5, early_stopping=True),
    )


def _others() -> Iterator[tuple[str, Any]]:
    from sklearn import dummy, gaussian_process
    from sklearn.gaussian_process import kernels

    yield "dummy", dummy.DummyClassifier()
    yield "gaussian process", gaussian_process.GaussianProcessClassifier()
    kernel = kernels.Matern() * kernels.ConstantKernel(2.0) + kernels.WhiteKernel()
    yield "gaussian process, kernels", gaussian_process.GaussianProcessClassifier(kernel)


def _meta() -> Iterator[tuple[str, Any]]:
    from sklearn import calibration, ensemble, frozen, model_selection, multiclass, semi_supervised
    from sklearn.linear_model import LogisticRegression
    from sklearn.tree import DecisionTreeClassifier

    pair = [("a", LogisticRegression()), ("b", DecisionTreeClassifier(max_depth=2))]
    yield "voting", ensemble.VotingClassifier(pair, voting="soft")
    yield "stacking", ensemble.StackingClassifier(pair)
    for method in ("sigmoid", "isotonic", "temperature"):
        yield (
            f"calibrated, {method}",
            calibration.CalibratedClassifierCV(LogisticRegression(), method=method, cv=3),
        )
    yield "one versus rest", multiclass.OneVsRestClassifier(LogisticRegression())
    yield "one versus one", multiclass.OneVsOneClassifier(LogisticRegression())
    yield "self training", semi_supervised.SelfTrainingClassifier(LogisticRegression())
    yield "tuned threshold", model_selection.TunedThresholdClassifierCV(LogisticRegression())
    yield (
        "fixed threshold",
        model_selection.FixedThresholdClassifier(LogisticRegression(), threshold=0.4),
    )
    fitted = LogisticRegression().fit([[0.0] * 4, [1.0] * 4], [0, 1])
    yield "frozen", frozen.FrozenEstimator(fitted)


def _searches() -> Iterator[tuple[str, Any]]:
    from sklearn import model_selection
    from sklearn.linear_model import LogisticRegression

    for scoring in (None, "roc_auc", "accuracy", "f1", "balanced_accuracy", "neg_log_loss"):
        yield (
            f"grid search, {scoring}",
            model_selection.GridSearchCV(LogisticRegression(), {"C": [0.1, 1]}, scoring=scoring),
        )
    folds = (model_selection.StratifiedKFold(3), model_selection.KFold(3))
    for cv in folds:
        yield (
            f"grid search, {type(cv).__name__}",
            model_selection.GridSearchCV(LogisticRegression(), {"C": [0.1, 1]}, cv=cv),
        )
    yield (
        "random search",
        model_selection.RandomizedSearchCV(LogisticRegression(), {"C": [0.1, 1]}, n_iter=2),
    )


def _preprocessing() -> Iterator[tuple[str, Any]]:
    from sklearn import (
        decomposition,
        feature_selection,
        impute,
        kernel_approximation,
        preprocessing,
    )  # fmt: skip
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline, make_union

    steps = (
        preprocessing.StandardScaler(), preprocessing.MinMaxScaler(), preprocessing.MaxAbsScaler(),
        preprocessing.RobustScaler(), preprocessing.Normalizer(), preprocessing.Binarizer(),
        preprocessing.PowerTransformer(), preprocessing.QuantileTransformer(n_quantiles=10),
        preprocessing.PolynomialFeatures(), preprocessing.SplineTransformer(),
        preprocessing.KBinsDiscretizer(3, quantile_method="averaged_inverted_cdf"),
        preprocessing.FunctionTransformer(), preprocessing.FunctionTransformer(np.abs),
        impute.SimpleImputer(), impute.SimpleImputer(strategy="median", add_indicator=True),
        impute.KNNImputer(), impute.MissingIndicator(features="all"),
        decomposition.PCA(2), decomposition.TruncatedSVD(2),
        kernel_approximation.Nystroem(n_components=5),
        kernel_approximation.RBFSampler(n_components=5),
        feature_selection.VarianceThreshold(), feature_selection.SelectKBest(k=2),
        feature_selection.SelectKBest(feature_selection.mutual_info_classif, k=2),
        feature_selection.SelectKBest(feature_selection.f_regression, k=2),
        feature_selection.SelectFromModel(LogisticRegression()),
        feature_selection.RFE(LogisticRegression(), n_features_to_select=2),
        make_union(preprocessing.StandardScaler(), decomposition.PCA(2)),
    )  # fmt: skip
    for i, step in enumerate(steps):
        yield f"{i} {type(step).__name__}", make_pipeline(step, LogisticRegression())


def _columns() -> Iterator[tuple[str, Any]]:
    from sklearn.compose import ColumnTransformer, make_column_selector, make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler, TargetEncoder

    numeric = make_pipeline(SimpleImputer(), StandardScaler())
    text = OneHotEncoder(handle_unknown="ignore")
    by_name = ColumnTransformer(
        [("n", numeric, ["a", "b", "c", "d"]), ("t", text, ["job"])], remainder="passthrough"
    )
    yield "columns by name", make_pipeline(by_name, LogisticRegression(max_iter=500))
    by_type = make_column_transformer(
        (numeric, make_column_selector(dtype_include=np.number)),
        (text, make_column_selector(dtype_exclude=np.number)),
    )
    yield "columns by type", make_pipeline(by_type, RandomForestClassifier(5))
    codes = make_column_transformer(
        (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["job"]),
        remainder="passthrough",
    )
    yield "ordinal and boosting", make_pipeline(codes, HistGradientBoostingClassifier(max_iter=5))
    rare = make_column_transformer(
        (OneHotEncoder(min_frequency=10, handle_unknown="infrequent_if_exist"), ["job"]),
        (TargetEncoder(cv=2), ["code"]),
        remainder="drop",
    )
    yield "rare levels and target encoding", make_pipeline(rare, LogisticRegression())

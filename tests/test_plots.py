"""What a plot shows is what an independent computation gives: of fitted models, of the losses, and of gradient descent."""

import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import polars as pl
import pytest
from matplotlib.colors import to_rgb
from matplotlib.contour import QuadContourSet
from scipy.special import expit
from sklearn.datasets import load_digits, load_iris, make_moons
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

import models
from models import plots
from models.fitted import class_names, hyperplane
from models.plot_style import CLASS_COLOURS, pale
from tests import figures


@pytest.fixture(autouse=True)
def _figures() -> Iterator[None]:
    yield from figures.drawn_and_closed()


def moons(m: int = 120) -> tuple[Any, Any]:
    return make_moons(m, noise=0.2, random_state=0)


def history(loss: list[float], held_out: list[float] | None = None, reason: str = "max_iter: 3 epochs are used up") -> Any:
    held_out = [np.nan] * len(loss) if held_out is None else held_out
    return SimpleNamespace(history_={"loss": loss, "held_out_loss": held_out}, stop_reason_=reason)


def line(ax: Any, label: str) -> Any:
    return next(line for line in ax.lines if label in line.get_label())


def contours(ax: Any, filled: bool) -> list[QuadContourSet]:
    return [one for one in ax.collections if isinstance(one, QuadContourSet) and one.filled == filled]


# Loss curves


def test_loss_curves_show_both_losses_and_where_and_why_training_stopped() -> None:
    ax = plots.loss_curves(history([0.7, 0.5, 0.4, 0.3], [0.7, 0.6, 0.55, 0.58], "held-out loss: it rose for 1 epoch"))
    assert line(ax, "training loss").get_xydata().tolist() == [[0, 0.7], [1, 0.5], [2, 0.4], [3, 0.3]]
    assert line(ax, "held-out loss").get_ydata().tolist() == [0.7, 0.6, 0.55, 0.58]
    assert line(ax, "lowest held-out loss, epoch 2").get_xydata().tolist() == [[2, 0.55]]
    stop = line(ax, "stopped at epoch 3")
    assert stop.get_xydata().tolist() == [[3, 0.3]]
    assert " ".join(stop.get_label().split()) == "stopped at epoch 3: held-out loss: it rose for 1 epoch"


def test_loss_curves_without_held_out_examples_have_one_curve() -> None:
    ax = plots.loss_curves(history([0.7, 0.5]))
    assert not any("held-out" in line.get_label() for line in ax.lines)


@pytest.mark.parametrize(("last", "scale"), [(0.2, "linear"), (1e-5, "log")])
def test_losses_over_several_powers_of_ten_have_a_logarithmic_axis(last: float, scale: str) -> None:
    assert plots.loss_curves(history([0.7, last])).get_yscale() == scale


def test_a_diverged_run_ends_at_its_last_finite_loss() -> None:
    ax = plots.loss_curves(history([0.7, 50.0, 1e9, np.inf], reason="diverged: try learning_rate=0.05"))
    assert line(ax, "stopped at epoch 3").get_xydata().tolist() == [[2, 1e9]]


@pytest.mark.parametrize("width", [3.0, 6.4])
def test_a_long_reason_is_broken_into_lines_that_fit(width: float) -> None:
    reason = "gradient: the largest entry, 3.1e-05, is within tol=0.0001 " * 4
    figure, ax = plt.subplots(figsize=(width, 5), layout="constrained")
    plots.loss_curves(history([0.7, 0.5], reason=reason), ax=ax)
    figure.canvas.draw()
    box, panel = ax.get_legend().get_window_extent(), ax.get_window_extent()
    assert panel.x0 <= box.x0 < box.x1 <= panel.x1


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (LogisticRegression(), "loss_curves needs history_, which LogisticRegression does not have"),
        (history([np.nan, np.inf]), "no finite loss"),
        (history([]), "no finite loss"),
    ],
)
def test_loss_curves_need_losses(model: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plots.loss_curves(model)


def test_the_first_epoch_drawn_is_the_loss_at_the_start_and_the_last_that_of_the_fitted_model() -> None:
    X, y = moons()
    model = models.LogisticRegression(solver="gd", learning_rate=1.0, max_iter=30, random_state=0).fit(X, y)
    ax = plots.loss_curves(make_pipeline(StandardScaler(), model))
    epochs, losses = line(ax, "training loss").get_data()
    assert epochs.tolist() == list(range(31))
    assert losses[-1] == pytest.approx(log_loss(y, model.predict_proba(X)))
    assert " ".join(line(ax, "stopped at epoch 30").get_label().split()).endswith(model.stop_reason_)


# The decision boundary


def test_examples_are_drawn_by_class() -> None:
    X, y = moons()
    ax = plots.decision_boundary(LogisticRegression().fit(X, y), X, y)
    for k in (0, 1):
        marks = next(one for one in ax.collections if one.get_label() == f"y = {k}")
        np.testing.assert_array_equal(marks.get_offsets(), X[y == k])
        assert tuple(marks.get_facecolor()[0][:3]) == to_rgb(CLASS_COLOURS[k])


@pytest.mark.parametrize("scaled", [False, True])
def test_contours_stand_where_the_sigmoid_has_their_probability(scaled: bool) -> None:
    X, y = moons()
    X = X * [1.0, 30.0] + [0.0, 500.0]
    model = make_pipeline(StandardScaler(), LogisticRegression()) if scaled else LogisticRegression(max_iter=5000)
    model.fit(X, y)
    ax = plots.decision_boundary(model, X, y)
    (drawn,) = contours(ax, filled=False)
    np.testing.assert_allclose(drawn.levels, np.arange(1, 10) / 10)
    for level, path in zip(drawn.levels, drawn.get_paths(), strict=True):
        assert len(path.vertices)
        np.testing.assert_allclose(expit(model.decision_function(path.vertices)), level, atol=1e-3)


def test_the_line_and_its_equation_are_the_hyperplane_in_the_features_as_given() -> None:
    X, y = moons()
    X = X * [1.0, 30.0] + [0.0, 500.0]
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    ax = plots.decision_boundary(model, X, y)
    drawn = line(ax, "w·x + b = 0")
    np.testing.assert_allclose(model.decision_function(drawn.get_xydata()), 0, atol=1e-8)
    w = model[-1].coef_[0] / model[0].scale_
    b = model[-1].intercept_[0] - w @ model[0].mean_
    numbers = re.findall(r"([−+]?) ?([\d.]+)(?: x[₁₂]| = 0$)", drawn.get_label())
    shown = [float(digits) * (-1 if sign == "−" else 1) for sign, digits in numbers]
    np.testing.assert_allclose(shown, [*w, b], rtol=5e-3)


@pytest.mark.parametrize("w", [(1.0, 0.0), (0.0, 1.0), (-2.0, 1e-9), (1.0, 1.0)])
def test_a_line_of_any_direction_crosses_the_panel_from_edge_to_edge(w: tuple[float, float]) -> None:
    X, y = moons()
    model = LogisticRegression().fit(X, y)
    model.coef_, model.intercept_ = np.array([w]), np.array([-0.1])
    ax = plots.decision_boundary(model, X, y)
    (ends,) = (line(ax, "w·x + b = 0").get_xydata(),)
    across, up = sorted(ends[:, 0]), sorted(ends[:, 1])
    np.testing.assert_allclose(ends @ w - 0.1, 0, atol=1e-9)
    assert tuple(across) == ax.get_xlim() or tuple(up) == ax.get_ylim()


@pytest.mark.parametrize(
    "model",
    [
        models.MLPClassifier(hidden_layer_sizes=(8,), l2=1e-3, random_state=0),
        MLPClassifier((4,), solver="lbfgs", max_iter=300, random_state=0),
        make_pipeline(PolynomialFeatures(3), LogisticRegression(max_iter=2000)),
    ],
)
def test_a_model_whose_boundary_is_no_line_has_none(model: Any) -> None:
    X, y = moons()
    ax = plots.decision_boundary(model.fit(X, y), X, y)
    assert len(ax.lines) == 0
    (drawn,) = contours(ax, filled=False)
    half = drawn.get_paths()[list(drawn.levels.round(1)).index(0.5)].vertices
    np.testing.assert_allclose(model.predict_proba(half)[:, 1], 0.5, atol=0.02)


def test_of_several_classes_each_region_has_the_colour_of_the_predicted_class() -> None:
    X, y = load_iris(return_X_y=True)
    X, names = X[:, 2:], np.array(["setosa", "versicolor", "virginica"])[y]
    model = LogisticRegression(max_iter=1000).fit(X, names)
    ax = plots.decision_boundary(model, X, names)
    regions = contours(ax, filled=True)
    assert [tuple(region.get_facecolor()[0][:3]) for region in regions] == [pale(CLASS_COLOURS[k]) for k in range(3)]
    points = np.random.default_rng(0).uniform([1, 0.1], [6.5, 2.4], size=(200, 2))
    ranked = np.sort(model.predict_proba(points), axis=1)
    clear = points[ranked[:, 2] - ranked[:, 1] > 0.05]
    inside = np.array([[path.contains_point(point) for region in regions for path in region.get_paths()] for point in clear])
    np.testing.assert_array_equal(inside, model.predict(clear)[:, np.newaxis] == model.classes_)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_the_columns_of_a_data_frame_name_the_axes(frame: Any) -> None:
    X, y = moons()
    columns = frame({"price in $": X[:, 0], "age": X[:, 1]})
    ax = plots.decision_boundary(make_pipeline(StandardScaler(), LogisticRegression()).fit(columns, y), columns, y)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("price in $ (x₁)", "age (x₂)")


def test_columns_that_only_number_the_features_are_not_repeated() -> None:
    X, y = moons()
    columns = pd.DataFrame(X, columns=["x1", "x2"])
    ax = plots.decision_boundary(LogisticRegression().fit(columns, y), columns, y)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x₁", "x₂")


@pytest.mark.parametrize("multi", ["softmax", "ovr"])
def test_two_classes_of_a_softmax_have_the_hyperplane_where_their_logits_are_equal(multi: str) -> None:
    X, y = moons()
    model = models.SoftmaxRegression(l2=0.01, multi=multi).fit(X, y)
    drawn = line(plots.decision_boundary(model, X, y), "w·x + b = 0").get_xydata()
    logits = drawn @ model.coef_.T + model.intercept_
    np.testing.assert_allclose(logits[:, 0], logits[:, 1])


def test_a_probability_that_is_one_half_everywhere_has_no_contours_and_no_line() -> None:
    X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    model = LogisticRegression().fit(X, [0, 1, 1, 0])
    model.coef_, model.intercept_ = np.zeros((1, 2)), np.zeros(1)
    ax = plots.decision_boundary(model, X, [0, 1, 1, 0])
    assert not contours(ax, filled=False)
    assert not ax.lines


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (np.zeros((4, 3)), [0, 1, 0, 1], "must have 2 features; it has 3"),
        (np.zeros((4, 1)), [0, 1, 0, 1], "must have 2 features; it has 1"),
        (np.zeros(4), [0, 1, 0, 1], r"\(examples, features\); it has shape \(4,\)"),
        ([[0.0, np.nan]], [0], "NaN or infinity"),
        (np.zeros((4, 2)), [0, 1, 0], "one label for each of the 4 examples"),
        (np.zeros((2, 2)), [0, 7], "y holds 7, which is not among the classes"),
    ],
)
def test_the_decision_boundary_refuses_examples_that_it_cannot_draw(X: Any, y: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plots.decision_boundary(LogisticRegression().fit(*moons()), X, y)


@pytest.mark.parametrize("count", [2, 5])
def test_the_hyperplane_is_found_for_any_number_of_features(count: int) -> None:
    X = np.random.default_rng(0).normal(size=(40, count)) * 100 + 1e4
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, X[:, 0] > 1e4)
    found = hyperplane(model, X)
    assert found is not None
    np.testing.assert_allclose(found[0], model[-1].coef_[0] / model[0].scale_, rtol=1e-6)


# Probability by distance


@pytest.mark.parametrize(
    ("classes", "names"),
    [
        ([0.0, 1.0], ["0", "1"]), (np.array([-1, 1], np.float32), ["-1", "1"]), ([2.0, 10.0], ["2", "10"]),
        ([False, True], ["False", "True"]), (["1.0", "b"], ["1.0", "b"]),
    ],
)  # fmt: skip
def test_a_label_that_is_a_whole_number_shows_as_one(classes: Any, names: list[str]) -> None:
    X, y = moons()
    classes = np.array(classes)
    model = LogisticRegression().fit(X, classes[y])
    ax = plots.decision_boundary(model, X, classes[y])
    labels = [one.get_label() for one in ax.collections if str(one.get_label()).startswith("y = ")]
    assert labels == [f"y = {name}" for name in names]
    assert plots.probability_by_distance(model, X, classes[y]).get_ylabel() == f"P(y = {names[1]} | x)"


def test_a_label_that_is_no_whole_number_shows_as_it_is() -> None:
    assert class_names(SimpleNamespace(classes_=np.array([0.5, 1.0, np.inf]))) == ["0.5", "1", "inf"]


def test_the_distance_is_that_to_the_nearest_point_of_the_hyperplane() -> None:
    X, y = load_iris(return_X_y=True)
    X, y = X[50:], np.array(["versicolor", "virginica"])[y[50:] - 1]
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    ax = plots.probability_by_distance(model, X, y)
    scaled = model[0].transform(X)
    step = -np.outer(model.decision_function(X), np.linalg.pinv(model[-1].coef_)[:, 0])  # the shortest step onto the plane
    np.testing.assert_allclose(model[-1].decision_function(scaled + step), 0, atol=1e-9)
    distance = np.linalg.norm(step, axis=1) * np.sign(model.decision_function(X))
    for k, name in enumerate(model.classes_):
        marks = next(one for one in ax.collections if one.get_label() == f"y = {name}").get_offsets()
        np.testing.assert_allclose(marks[:, 0], distance[y == name])
        np.testing.assert_allclose(marks[:, 1], model.predict_proba(X)[y == name, 1])
        np.testing.assert_allclose(ax.lines[3 + k].get_xdata(), distance[y == name])
    curve = line(ax, "σ(‖w‖ · distance)")
    np.testing.assert_allclose(curve.get_ydata(), expit(np.linalg.norm(model[-1].coef_) * curve.get_xdata()))
    assert ax.get_ylabel() == "P(y = virginica | x)"


def test_probability_by_distance_needs_one_hyperplane() -> None:
    X, y = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match="a linear model of two classes"):
        plots.probability_by_distance(LogisticRegression(max_iter=1000).fit(X, y), X, y)
    flat = LogisticRegression().fit(*moons())
    flat.coef_ = np.zeros((1, 2))
    with pytest.raises(ValueError, match="whose weights are not all 0"):
        plots.probability_by_distance(flat, *moons())
    with pytest.raises(ValueError, match="needs classes_, which LogisticRegression does not have"):
        plots.probability_by_distance(LogisticRegression(), X, y)


def test_the_probability_of_k_sigmoids_is_no_sigmoid_of_the_distance() -> None:
    X, y = moons()
    plots.probability_by_distance(models.SoftmaxRegression(l2=0.01).fit(X, y), X, y)
    with pytest.raises(ValueError, match=r"whose probability is σ\(w·x \+ b\); SoftmaxRegression computes it in another way"):
        plots.probability_by_distance(models.SoftmaxRegression(l2=0.01, multi="ovr").fit(X, y), X, y)


# Weights as images


def test_the_weights_of_each_digit_are_an_image_on_one_scale_around_zero() -> None:
    X, y = load_digits(return_X_y=True)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01)).fit(X, y)
    axes = plots.weights_as_images(model, (8, 8))
    assert [ax.get_title() for ax in axes] == [f"y = {digit}" for digit in range(10)]
    limit = np.abs(model[-1].coef_).max()
    for ax, weights in zip(axes, model[-1].coef_, strict=True):
        (image,) = ax.images
        np.testing.assert_array_equal(image.get_array(), weights.reshape(8, 8))
        assert image.get_clim() == (-limit, limit)
        assert image.cmap(0.5)[:3] == pytest.approx((1, 1, 1), abs=0.01)
    assert len(axes[0].figure.axes) == 11  # ten images and one colour bar


def test_a_binary_model_has_one_image_for_its_second_class() -> None:
    X, y = load_digits(n_class=2, return_X_y=True)
    model = LogisticRegression(C=0.01).fit(X, np.array(["zero", "one"])[y])
    (ax,) = plots.weights_as_images(model, (8, 8))
    assert ax.get_title() == "y = zero"
    np.testing.assert_array_equal(ax.images[0].get_array(), model.coef_.reshape(8, 8))


def test_a_multilayer_perceptron_has_an_image_a_hidden_unit_and_no_more_than_are_wanted() -> None:
    X = np.random.default_rng(0).normal(size=(20, 6))
    model = models.MLPClassifier(hidden_layer_sizes=(5,), max_iter=5, random_state=0).fit(X, X[:, 0] > 0)
    W = model.parameters_["layer1"]["W"]
    axes = plots.weights_as_images(model, (2, 3), most=4)
    assert [ax.get_title() for ax in axes] == ["unit 1", "unit 2", "unit 3", "unit 4"]
    np.testing.assert_array_equal(axes[3].images[0].get_array(), W[:, 3].reshape(2, 3))
    assert axes[0].figure.axes[-1].get_ylabel() == "weight (4 of 5 units)"


@pytest.mark.parametrize("shape", [(8, 7), (64,), (2, 4, 8)])
def test_the_weights_must_fill_the_image(shape: Any) -> None:
    X, y = load_digits(n_class=2, return_X_y=True)
    with pytest.raises(ValueError, match=re.escape(f"shape={shape} must be (rows, columns) with 64 entries")):
        plots.weights_as_images(LogisticRegression(C=0.01).fit(X, y), shape)


# The sigmoid and the losses


def test_the_sigmoid_its_derivative_and_what_weight_and_bias_do() -> None:
    shape, moved, _ = plots.sigmoid_shapes()
    z = shape.lines[0].get_xdata()
    np.testing.assert_allclose(line(shape, "σ(z)").get_ydata(), expit(z))
    np.testing.assert_allclose(line(shape, "σ′(z)").get_ydata(), np.imag(1 / (1 + np.exp(-(z + 1e-20j)))) / 1e-20)
    for w, b in ((1, 0), (1, -3), (1, 3), (4, 0)):
        label = f"w = {w}, b = {b}".replace("-", "−")
        np.testing.assert_allclose(line(moved, label).get_ydata(), expit(w * z + b))


def test_the_step_stands_beside_steeper_sigmoids_with_its_derivative_of_zero() -> None:
    *_, beside = plots.sigmoid_shapes()
    z = line(beside, "σ(z)").get_xdata()
    np.testing.assert_allclose(line(beside, "σ(16z)").get_ydata(), expit(16 * z))
    step = next(line for line in beside.lines if line.get_label() == "step")
    away = z[z != 0]
    np.testing.assert_array_equal(np.interp(away, *step.get_xydata().T), np.heaviside(away, 0))
    slope = line(beside, "derivative of the step")
    np.testing.assert_array_equal(slope.get_ydata()[slope.get_xdata() != 0], 0)
    assert "no weight moves" in beside.texts[0].get_text()


def test_the_two_branches_of_cross_entropy() -> None:
    ax = plots.cross_entropy_branches()
    a = ax.lines[0].get_xdata()
    np.testing.assert_allclose(line(ax, "y = 1").get_ydata(), np.log(1 / a))
    np.testing.assert_allclose(line(ax, "y = 0").get_ydata(), -np.log1p(-a))


@pytest.mark.parametrize("given", [False, True])
def test_the_losses_over_one_weight_and_their_second_derivatives(given: bool) -> None:
    x, y = np.array([-2, -1.5, -1, -0.4, 1, 2]), np.repeat([0, 1], 3)  # what is drawn by default
    if given:
        x, y = np.array([-1.0, 0.5, 2.0]), np.array([0, 1, 1])
    value, bend = plots.loss_convexity(x[:, np.newaxis], y) if given else plots.loss_convexity()
    w = value.lines[0].get_xdata()
    a = expit(np.outer(w, x))
    np.testing.assert_allclose(line(value, "squared error").get_ydata(), np.mean((a - y) ** 2, axis=1))
    np.testing.assert_allclose(line(value, "cross-entropy").get_ydata(), -np.mean(np.log(np.where(y, a, 1 - a)), axis=1))
    for label in ("squared error", "cross-entropy"):
        losses = line(value, label).get_ydata()
        numeric = (losses[2:] - 2 * losses[1:-1] + losses[:-2]) / (w[1] - w[0]) ** 2
        np.testing.assert_allclose(line(bend, label).get_ydata()[1:-1], numeric, atol=2e-3)
    assert (line(bend, "cross-entropy").get_ydata() >= 0).all()
    assert (line(bend, "squared error").get_ydata() < -0.01).any()


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        ([1.0, 2.0], None, "both X and y, or neither"),
        (None, [0, 1], "both X and y, or neither"),
        (np.zeros((2, 2)), [0, 1], r"their shapes are \(2, 2\) and \(2,\)"),
        ([1.0, 2.0], [0, 1, 1], r"\(2,\) and \(3,\)"),
        ([1.0, 2.0], [-1, 1], "labels must be 0 and 1"),
    ],
)
def test_loss_convexity_needs_one_feature_and_labels_0_and_1(X: Any, y: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plots.loss_convexity(X, y)


# Gradient descent


def test_descent_on_a_parabola_follows_its_closed_form() -> None:
    axes = plots.descent_1d(learning_rates=(0.1, 0.6), starts=(-2.0, 4.0), steps=5)
    for ax, rate in zip(axes, (0.1, 0.6), strict=True):
        for path, start in zip([line for line in ax.lines if len(line.get_xdata()) == 6], (-2, 4), strict=True):
            w = 1 + (start - 1) * (1 - rate) ** np.arange(6)
            np.testing.assert_allclose(path.get_xydata(), np.column_stack([w, (w - 1) ** 2 / 2 + 0.5]))
        assert len(ax.patches) == 10  # an arrow a step
        for start, way in ((-2, "slope −3 < 0: w rises →"), (4, "slope 3 > 0: w falls ←")):
            tangent = line(ax, f"start w = {start}".replace("-", "−"))
            assert way in tangent.get_label()
            rise, run = np.diff(tangent.get_ydata()), np.diff(tangent.get_xdata())
            assert rise / run == pytest.approx(start - 1)


@pytest.mark.parametrize(
    ("rate", "end"), [(0.01, "has not converged"), (0.5, "converges"), (1.0, "converges"), (2.1, "diverges"), (1e200, "diverges")]
)
def test_the_panel_says_what_became_of_the_descent(rate: float, end: str) -> None:
    (ax,) = plots.descent_1d(learning_rates=[rate])
    assert ax.get_title().startswith(f"learning rate {rate:g}: {end}\n12 steps")


@pytest.mark.parametrize("rate", [2.1, 100.0, 1e9, 1e150])
def test_a_diverging_path_is_drawn_as_far_as_it_leaves_the_picture_of_the_others(rate: float) -> None:
    good, diverging = plots.descent_1d(learning_rates=(0.5, rate), starts=(-2.0,))
    assert diverging.get_xlim() == good.get_xlim()
    assert diverging.get_ylim() == good.get_ylim()
    left, right = good.get_xlim()
    path = diverging.lines[1].get_xdata()
    assert left <= path[0] <= right
    assert not left <= path[-1] <= right
    assert all(left <= w <= right for w in path[:-1])
    for arrow in diverging.patches:
        assert np.abs(arrow.get_path().vertices).max() < 1e3


def test_a_loss_may_be_undefined_beside_the_path() -> None:
    (ax,) = plots.descent_1d(lambda w: w - np.log(w), starts=(0.2, 3.0), learning_rates=[0.05])
    w, L = ax.lines[0].get_data()
    np.testing.assert_array_equal(np.isnan(L), w <= 0)


def test_descent_on_a_surface_follows_its_closed_form_over_contours_of_the_loss() -> None:
    (ax,) = plots.descent_2d(starts=((-3.0, 2.0), (2.0, 1.0)), learning_rates=[0.3], steps=6)
    for path, start in zip([line for line in ax.lines if len(line.get_xdata()) == 7], ((-3, 2), (2, 1)), strict=True):
        shrink = (1 - 0.3 * np.array([1.0, 4.0])) ** np.arange(7)[:, np.newaxis]
        np.testing.assert_allclose(path.get_xydata(), [1, 0.5] + (np.array(start) - [1, 0.5]) * shrink)
    (drawn,) = contours(ax, filled=False)
    for level, path in zip(drawn.levels, drawn.get_paths(), strict=True):
        w1, w2 = path.vertices.T
        np.testing.assert_allclose((w1 - 1) ** 2 / 2 + 2 * (w2 - 0.5) ** 2, level, atol=0.02)
    assert ax.get_aspect() == 1


def test_gradients_come_from_any_loss_of_ops() -> None:
    X, y = moons(20)

    def loss(w: Any) -> Any:
        z = X @ w
        return np.mean(np.log(1 + np.exp(z)) - y * z)

    (ax,) = plots.descent_2d(loss, starts=[(1.0, 1.0)], learning_rates=[0.5], steps=1)
    w = np.array([1.0, 1.0])
    np.testing.assert_allclose(ax.lines[0].get_xydata()[1], w - 0.5 * X.T @ (expit(X @ w) - y) / 20)


@pytest.mark.parametrize("plot", [plots.descent_1d, plots.descent_2d])
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"learning_rates": []}, "must be finite numbers above 0, at least one"),
        ({"learning_rates": [0.1, 0.0]}, "must be finite numbers above 0"),
        ({"learning_rates": [-0.1]}, "must be finite numbers above 0"),
        ({"learning_rates": [np.nan]}, "must be finite numbers above 0"),
        ({"starts": []}, "starts=.* at least one"),
        ({"starts": [(1.0, 2.0, 3.0)]}, "starts=.* must be"),
        ({"starts": [np.inf]}, "starts=.* must be"),
        ({"steps": 0}, "steps=0 must be at least 1"),
        ({"loss": lambda w: np.sum(w) * np.inf}, "must be finite at each of starts"),
    ],
)
def test_descent_refuses_settings_that_make_no_picture(plot: Any, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plot(**settings)


# All of them


def every_plot() -> dict[str, tuple[int, Any]]:
    """Each plot with the number of panels that it draws."""
    X, y = moons()
    model = LogisticRegression().fit(X, y)
    return {
        "loss_curves": (1, lambda ax: plots.loss_curves(history([0.7, 0.5, 0.4], [0.8, 0.7, 0.75]), ax=ax)),
        "decision_boundary": (1, lambda ax: plots.decision_boundary(model, X, y, ax=ax)),
        "probability_by_distance": (1, lambda ax: plots.probability_by_distance(model, X, y, ax=ax)),
        "weights_as_images": (1, lambda ax: plots.weights_as_images(model, (1, 2), ax=ax)),
        "sigmoid_shapes": (3, lambda ax: plots.sigmoid_shapes(ax=ax)),
        "cross_entropy_branches": (1, lambda ax: plots.cross_entropy_branches(ax=ax)),
        "loss_convexity": (2, lambda ax: plots.loss_convexity(ax=ax)),
        "descent_1d": (3, lambda ax: plots.descent_1d(ax=ax)),
        "descent_2d": (3, lambda ax: plots.descent_2d(ax=ax)),
        "draw_network": (1, lambda ax: plots.draw_network(model, ax=ax)),
    }


def test_the_table_of_plots_is_complete() -> None:
    assert sorted(every_plot()) == plots.__all__


@pytest.mark.parametrize("name", plots.__all__)
def test_a_plot_draws_on_the_axes_given_and_returns_them(name: str) -> None:
    count, plot = every_plot()[name]
    figure, axes = plt.subplots(1, count, layout="constrained", figsize=(6 * count, 4.5))
    given = list(np.ravel(axes))
    assert list(np.ravel(np.asarray(plot(axes), dtype=object))) == given
    assert plt.get_fignums() == [figure.number]


@pytest.mark.parametrize("name", plots.__all__)
def test_a_plot_without_axes_opens_one_figure_and_changes_no_global_setting(name: str) -> None:
    before = dict(plt.rcParams)
    plot = every_plot()[name][1]
    axes = np.ravel(np.asarray(plot(None), dtype=object))
    assert len(plt.get_fignums()) == 1
    assert {ax.figure.number for ax in axes} == set(plt.get_fignums())
    assert dict(plt.rcParams) == before


@pytest.mark.parametrize("name", plots.__all__)
def test_a_plot_refuses_what_are_not_its_axes(name: str) -> None:
    count, plot = every_plot()[name]
    axes = plt.figure().subplots(1, count + 1)
    for wrong in (axes, "axes", [None] * count):
        with pytest.raises(ValueError, match="ax must be"):
            plot(wrong)

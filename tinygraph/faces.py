"""The methods by which a graph shows itself: table, source, mathematics, picture, walk. Each imports its room when called."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

from tinygraph.errors import GradientError

if TYPE_CHECKING:
    from tinygraph.bridges.jax import JaxStep
    from tinygraph.compiler.step import Step
    from tinygraph.compiler.tracing import Jit
    from tinygraph.draw.picture import Picture
    from tinygraph.draw.view import View
    from tinygraph.explaining.explanation import Explanation
    from tinygraph.express.latex import Latex
    from tinygraph.express.reasoned import Derivation
    from tinygraph.express.table import Table
    from tinygraph.graph import Graph
    from tinygraph.node import Node
    from tinygraph.ops import Op
    from tinygraph.program.paths import Paths
    from tinygraph.program.statements import Level, Program, Statement
    from tinygraph.referee.engines import EngineReport
    from tinygraph.referee.playing import Engine
    from tinygraph.referee.report import Report
    from tinygraph.referee.rungs import Rung
    from tinygraph.referee.worksheet import Worksheet
    from tinygraph.stepping.quiz import Quiz
    from tinygraph.stepping.stepper import Stepper

Method = TypeVar("Method", bound=Callable[..., Any])


def face(method: Method) -> Method:
    """A method of Graph, or a function, that raises an error with the name of its room if that was taken out of the package."""

    @wraps(method)
    def show(*arguments: Any, **keywords: Any) -> Any:
        __tracebackhide__ = True  # pytest and IPython leave the frame out
        try:
            return method(*arguments, **keywords)
        except ModuleNotFoundError as error:
            package, _, room = (error.name or "").partition(".")
            if package != __package__:
                raise
            raise ImportError(
                f"{method.__qualname__} needs tinygraph/{room.partition('.')[0]}/, which is not installed"
            ) from None

    home = "Graph" if "." in method.__qualname__ else "tg"
    method.__qualname__ = show.__qualname__ = f"{home}.{method.__name__}"  # for Python's own messages
    return cast("Method", show)


@face
def jit(function: Callable[..., Any], *, threads: int = 1, strategy: str | None = None) -> Jit:
    """A function of arrays, and of dicts, lists and tuples of them, that is recorded once and then runs as a compiled step.

    It is recorded when it is called with arrays of other sizes, dtypes, numbers of axes or nesting, and where Python decides
    otherwise by the values. A recording that differs from earlier ones is compiled as by `graph.compile`, which has the
    settings. `step` is the step that ran last, with its `source` and `plan`. Where it is
    given nodes, the function is recorded as without `jit`. The transformations compose: `tg.jit(tg.value_and_grad(f))`.

    >>> square = tg.jit(lambda x: np.sum(x * x))
    >>> square(np.array([1.0, 2.0])), square(np.array([3.0, 4.0, 5.0]))
    (np.float64(5.0), np.float64(50.0))
    """
    from tinygraph.compiler.tracing import Jit

    return Jit(function, threads=threads, strategy=strategy)


@face
def explain(what: Op | Callable[..., Any] | Node | str) -> Explanation:
    """What an op is: its formula, its sentence, its derivatives and curves, and what is taken where there is no derivative.

    Takes an op, the NumPy function that it is, a node (for the op that made it) or a name. All is read from the declaration of
    the op, which may be your own. A notebook shows curves, or an example in numbers for an op on arrays; `data()` has it as JSON.
    Raises LookupError for a name that no op has, TypeError for what is no op.

    >>> print(tg.explain(tg.relu))
    relu(z)
    max(z, 0), the rectified linear unit.
    <BLANKLINE>
      relu(z) = max(z, 0)
      ∂/∂z = where(z > 0, 1, 0)
    <BLANKLINE>
    At z = 0 the slope jumps from 0 to 1; it is taken as 0.
    Shape: that of z.
    """
    from tinygraph.explaining.explanation import explanation

    return explanation(what)


@face
def assert_gradients(graph: Graph, /, **given: Any) -> None:
    """Raise GradientError (an AssertionError) unless all values and gradients that were computed by hand are right.

    Takes what `graph.compare` takes; the message is its report, which names the first wrong one and the slip that explains it.
    What cannot be judged, such as an unknown name, is not right. Raises TypeError for what is no graph, and without values.

    >>> w, x = tg.parameter(3.0), tg.constant(2.0)
    >>> z = w * x
    >>> graph = tg.Graph(z**2, names={"w": w, "x": x, "z": z})
    >>> tg.assert_gradients(graph, dz=12.0, dw=lambda x, dz: x * dz)
    >>> tg.assert_gradients(graph, dz=12.0, dw=-24.0)
    Traceback (most recent call last):
    tinygraph.errors.GradientError: 1 of 2 values right
    dz  right
    dw  The sign is wrong
    """
    __tracebackhide__ = True
    from tinygraph.graph import Graph

    if not isinstance(graph, Graph):
        raise TypeError(f"assert_gradients takes a graph, not a {type(graph).__name__}: tg.assert_gradients(graph, dz=A - y)")
    report = graph.compare(**given)
    if not report.right:
        raise GradientError(f"{report.summary}\n{report}")


@face
def compare_engines(graph: Graph, engine: Engine, timeout: float | None = 10) -> EngineReport:
    """Replay a graph on another engine, op by op, forward and backward, and find the first place where the two part.

    An engine has five methods: `leaf(array)`, `apply(op_name, *inputs, **params)`, `value(x)`, `backward(output)` and
    `gradient(x)`. Each value is judged by the engine's own values before it, and each gradient by those of its readers, so that
    one mistake is one verdict. `print(report)` says what is wrong and why; `report.right`, `report.first`, `report.verdicts` and
    `report.to_json()` are for programs, and a notebook shows the picture. After `timeout` seconds the engine is stopped; it runs
    in a thread of its own, or with `timeout=None` in the calling one.

    Raises TypeError for an engine without `leaf`, `apply` or `value`, ValueError for a graph whose output is an array.

    >>> class Differences:  # an engine for a - b
    ...     def leaf(self, array):
    ...         return {"value": array, "inputs": ()}
    ...     def apply(self, op_name, x, y):
    ...         return {"value": x["value"] - y["value"], "inputs": (x, y)}
    ...     def value(self, x):
    ...         return x["value"]
    ...     def backward(self, output):
    ...         for x in (output, *output["inputs"]):
    ...             x["gradient"] = 1.0
    ...     def gradient(self, x):
    ...         return x["gradient"]
    >>> a, b = tg.parameter(2.0), tg.parameter(3.0)
    >>> L = a - b
    >>> print(tg.compare_engines(tg.Graph(L, names={"a": a, "b": b, "L": L}), Differences()))
    Differences parts from the graph of L at db, in the backward pass
      db is 1.000, not -1.000: subtract (L) passes its gradient on to b with the wrong sign
    right: a, b, L, dL, da
    """
    from tinygraph.referee.engines import compare

    return compare(graph, engine, timeout)


@face
def ladder(part: Literal["scalars", "arrays"] | None = None) -> tuple[Rung, ...]:
    """Programs to test an engine with, from `a + b` to a network of two layers: first in scalars, then in arrays.

    A rung has a `name`, a `graph` for `tg.compare_engines`, and `catches`, the mistakes that it finds first.

    >>> tg.ladder()[0]
    <rung scalars: a + b, which catches a backward pass that does not start from 1>
    """
    from tinygraph.referee.rungs import rungs

    return rungs(part)


class Faces:
    """The part of Graph that prints and draws it."""

    @property
    def _graph(self) -> Graph:
        return cast("Graph", self)

    def _program(self, level: Level) -> Program:
        from tinygraph.program.statements import program_of

        return program_of(self._graph, level)

    @face
    def statements(self, level: Level = "named") -> tuple[Statement, ...]:
        """The graph as a program: one statement for each named value, first forward, then backward.

        `level="op"` has one statement for each op. A statement has `name`, `right` (its NumPy source), `value`, `shape`, `phase`,
        `inputs` and `place`.

        >>> w = tg.parameter(3.0)
        >>> L = w * w + 1
        >>> graph = tg.Graph(L, names={"w": w, "L": L})
        >>> grads = graph.backprop()
        >>> graph.statements()
        (<statement L = w * w + 1>, <statement dL = 1>, <statement dw = 2 * w>)
        """
        return self._program(level).statements

    @face
    def source(self, level: Level = "named", *, update: Literal["gd"] | None = None) -> str:
        """The graph as the source of a Python module that imports NumPy alone: forward and, after `backprop`, backward.

        The module has one function, of the leaves, which returns the output, or the output and a dict of the gradients. The
        sizes of the leaves may differ from the recorded ones; sizes that must be the same, the number of axes and the axes of
        size 0 or 1 are checked in each call. With `update="gd"` the function is one step of gradient descent: it also takes a
        `learning_rate`, and returns the output and a dict of the new parameters.

        >>> w = tg.parameter(3.0)
        >>> graph = tg.Graph(w * w, names={"w": w})
        >>> grads = graph.backprop()
        >>> print(graph.source().partition("def forward_backward")[2])
        (w):
            [w] = _check(w=w)
            # forward
            output = w * w
            # backward
            dw = 2 * w
            return output, {"dw": dw}
        <BLANKLINE>
        >>> print(graph.source(update="gd").partition("# backward")[2])
        <BLANKLINE>
            dw = 2 * w
            # update
            w = w - learning_rate * dw
            return output, {"w": w}
        <BLANKLINE>
        """
        from tinygraph.express.source import source

        return source(self._program(level), update)

    @face
    def function(self, np: Any = None) -> Callable[..., Any]:
        """The compiled function of `source()`; its source is `function.source`.

        `np` is the module that it computes with, NumPy by default; with `jax.numpy` it can be passed to `jax.jit`. Raises
        TypeError for an op that JAX cannot trace.

        >>> w = tg.parameter(3.0)
        >>> tg.Graph(w * w, names={"w": w}).function()(5.0)
        np.float64(25.0)
        """
        from tinygraph.express.source import function

        return function(self._program("named"), np)

    @face
    def compile(
        self,
        *,
        wrt: Sequence[Node | str] | Node | str | None = None,
        bind: Mapping[str, Any] | None = None,
        threads: int = 1,
        strategy: str | None = None,
        copy: bool = True,
        backend: str = "numpy",
    ) -> Step | JaxStep:
        """The graph as a fast function of its leaves: `step(X=X, w=w)` returns the output and a dict of gradients, by name.

        The output is that of the graph, a tuple where there are several; the gradients are those of the first output with
        respect to its parameters, or to what `wrt` names. Leaves in nested dicts are given, and gradients returned, as nested
        dicts. Leaves named in `bind` keep the value given there, and constants without a name the recorded one. Arrays may have
        other sizes than the recorded ones, as in `graph.source()`. `print(step.source)` shows the program, `print(step.plan)`
        what was decided for it and why, and `step.profile(...)` measures each line.

        `threads` work on the rows of large data at the same time. `strategy` is "whole"; "rows", block by block of rows; or
        "groups", for graphs of scalars, those of one depth and op together; by default the fastest for the sizes of a call.
        With `copy=False` the arrays that are returned may change in the next call. `backend="jax"` runs the program of
        `graph.source()` under `jax.jit`, which decides all that by itself, and returns arrays of JAX.

        Raises ValueError for a graph without gradients and for an unknown setting, KeyError for an unknown name. A call raises
        TypeError for arguments that are missing, unknown, or of another dtype, ValueError for another number of axes, for sizes
        that what was recorded does not hold for, and where Python would have decided otherwise.

        >>> w, x = tg.parameter(3.0), tg.constant(2.0)
        >>> step = tg.Graph(w * x, names={"w": w, "x": x}).compile()
        >>> step(w=5.0, x=4.0)
        (np.float64(20.0), {'w': np.float64(4.0)})
        """
        if backend == "jax":
            if (threads, strategy, copy) != (1, None, True):
                raise ValueError('threads=, strategy= and copy= are settings of backend="numpy": JAX decides by itself')
            from tinygraph.bridges.jax import JaxStep

            return JaxStep(self._graph, wrt, bind)
        if backend != "numpy":
            raise ValueError(f"backend={backend!r}: choose 'numpy' or 'jax'")
        from tinygraph.compiler.step import Step

        return Step(self._graph, wrt, bind, threads, strategy, copy)

    @face
    def latex(self, level: Level = "named") -> Latex:
        r"""The equations in LaTeX: an `align` environment, which a notebook typesets without a network.

        >>> w = tg.parameter(3.0)
        >>> print(tg.Graph(w * w, names={"w": w}).latex())
        \begin{align}
          \mathit{output} &= w w
        \end{align}
        """
        from tinygraph.express.latex import latex

        return latex(self._program(level))

    @face
    def derivation(self, gradient: str) -> Derivation:
        """A gradient worked out further, in numbered lines with reasons; a notebook typesets them.

        Gradients that are computed entry by entry are put in, products of sums are multiplied out, equal factors of numerator
        and denominator are cancelled, and like terms are collected. The derivation ends at its shortest line; if the gradient
        gets no shorter, there is one line. `lines` has each line with its `text`, `expression`, `reason` and `conditions`, and
        the result of its comparison with the value of the gradient.

        Raises KeyError for an unknown name, ValueError for the name of a value that is not a gradient.

        >>> z, y = tg.parameter(0.5), tg.constant(1.0)
        >>> a = np.exp(z)
        >>> L = y * np.log(a) - a
        >>> graph = tg.Graph(L, names={"z": z, "y": y, "a": a})
        >>> grads = graph.backprop()
        >>> graph.derivation("dz")
        1  dz = da * a           chain rule
        2     = (y / a - 1) * a  put in da
        3     = y / a * a - a    multiply out
        4     = y - a            cancel, where a ≠ 0
        """
        from tinygraph.express.reasoned import reasoned

        return reasoned(self._graph, gradient)

    @face
    def paths(self, of: Node | str, wrt: Node | str, *, most: int = 50, level: Level = "named") -> Paths:
        """Every way from an output to a value, as the product of its local derivatives; the sum of all is the derivative.

        A sequence of paths, each with `nodes`, `locals`, `product` and `contribution`. It has at most `most` of them, the largest
        first; `count` is how many there are, `rest` the sum of those that are left out, and `gradient` the sum of all. Where
        arrays lie on the way there is no product of numbers: `product` is None, and `contribution` is an array.

        Raises KeyError for an unknown name, ValueError where the derivative was not computed.

        >>> w, x = tg.parameter(3.0), tg.constant(2.0)
        >>> y = w * x
        >>> L = y * w
        >>> graph = tg.Graph(L, names={"w": w, "x": x, "y": y, "L": L})
        >>> graph.paths("L", "w")
        ∂L/∂w = 6.000
        ∂L/∂y · ∂y/∂w = 3.000 · 2.000 = 6.000
        ∂L/∂w = 12.000, the sum of 2 paths
        """
        from tinygraph.program.paths import paths

        return paths(self._graph, of, wrt, most, level)

    @face
    def table(self) -> Table:
        """The leaves and statements with their shapes and values, as `print(graph)` prints them; in a notebook an HTML table.

        >>> w = tg.parameter(3.0)
        >>> tg.Graph(w * w, names={"w": w}).table()
        Graph of output: 1 leaf, 1 statement forward, 0 backward
        leaves
          w parameter             3.000
        forward
          output = w * w          9.000
        backward
          not computed: call graph.backprop()
        """
        from tinygraph.express.table import table

        return table(self._graph)

    @face
    def mathml(self, level: Level = "named") -> str:
        """The equations in MathML, which browsers typeset without a network.

        >>> w = tg.parameter(3.0)
        >>> tg.Graph(w * w, names={"w": w}).mathml().startswith("<math")
        True
        """
        from tinygraph.express.mathml import mathml

        return mathml(self._program(level))

    @face
    def draw(
        self,
        *,
        level: Level = "named",
        values: bool = True,
        direction: str = "LR",
        theme: str = "auto",
        fold: str | Sequence[str] | bool | None = None,
        backward: bool = True,
        lens: str | None = None,
    ) -> Picture:
        """The graph as a picture: a card for each statement, black edges forward and, after `backprop`, red edges backward.

        `level="op"` draws every op; `values` and `backward` switch numbers and gradients on or off; `direction` is LR, TB, RL,
        BT, or "tall", one column for a narrow page, which needs no layout engine; `theme` is light, dark or auto, which follows
        the reader's setting. `fold` lists the modules to draw as one card; True folds all modules and repeated lines, False none;
        by default a picture that is too large is folded. `lens` analyses the numbers: "check", "finite", "saturation" or "norm".
        Notebooks show the picture; `save("g.svg")` writes it.

        Raises ValueError for an unknown setting and for too many cards. Without a layout engine, showing or saving the picture
        raises LayoutError.

        >>> w = tg.parameter(3.0)
        >>> tg.Graph(w * w, names={"w": w}).draw()
        <picture: Computation graph of output: 2 cards, 0 backward edges>
        >>> tg.Graph(w * w, names={"w": w}).draw(direction="tall").svg.startswith("<svg")
        True
        """
        from tinygraph.draw.compose import draw

        return draw(self._graph, level, values, direction, theme, fold, backward, lens)

    @face
    def view(self, **settings: Any) -> View:
        """The picture as a page to explore, in one file that needs no network: click a card to see its value, search, and fold.

        Takes the settings of `draw`. A notebook shows it; `save("g.html")` writes it.

        >>> w = tg.parameter(3.0)
        >>> tg.Graph(w * w, names={"w": w}).view()
        <view: Computation graph of output: 2 cards, 0 backward edges>
        """
        from tinygraph.draw.view import View

        return View(self.draw(**settings))

    @face
    def stepper(self, level: Level = "named") -> Stepper:
        """A walk through the graph, forward and backward, one statement (or, with `level="op"`, one op) at a time.

        A notebook shows it as a page that computes with other leaves too; `save("walk.html")` writes the page.

        >>> w = tg.parameter(3.0)
        >>> s = tg.Graph(w * 2, names={"w": w}).stepper()
        >>> s.step()
        <step output = w * 2 = 3.000 * 2 = 6.000>
        """
        from tinygraph.stepping.stepper import Stepper

        return Stepper(self._graph, level)

    @face
    def compare(self, /, **given: Any) -> Report:
        """Judge values and gradients that were computed by hand: which is the first wrong one, and which slip explains it.

        Each is given by its name, as an array, a list, a number, a Node, or a function of other values, whose parameters are
        their names. They are judged in the order of the program: `report.first` is the first wrong one, and what follows from
        it is marked as such. The sentences are in `report.verdicts`, with the slips by kind.

        Raises TypeError without arguments. What cannot be judged, such as an unknown name, is said in its verdict.

        >>> w, x = tg.parameter(3.0), tg.constant(2.0)
        >>> z = w * x
        >>> L = z**2
        >>> graph = tg.Graph(L, names={"w": w, "x": x, "z": z, "L": L})
        >>> graph.compare(dz=12.0, dw=-24.0)
        dz  right
        dw  The sign is wrong
        """
        from tinygraph.referee.compare import compare

        return compare(self._graph, given)

    @face
    def worksheet(self, seed: int | None = None) -> Worksheet:
        """A sheet to fill in with a pencil: the values forward, and each gradient as a formula and as a number.

        `print(sheet)` shows it as text, a notebook typesets it, and `sheet.save("sheet.html")` writes a page for A4;
        `sheet.key` is the same filled in. A `seed` chooses other numbers, those of `quiz(seed)`.

        Raises ValueError for a graph of more entries than can be filled in by hand, and for a seed that is no whole number.

        >>> w = tg.parameter(3.0)
        >>> print(tg.Graph(w * w, names={"w": w}).worksheet())
        Worksheet of output
        <BLANKLINE>
        Name ________________________________
        <BLANKLINE>
        Given
          w = 3.0
        Forward
          output = w * w = ________
        Backward
          doutput = 1
          dw = ________________________________ = ________
        <BLANKLINE>
        Write each gradient as a formula in the names above it, and numbers to three decimals.
        """
        from tinygraph.referee.worksheet import Worksheet

        return Worksheet(self._graph, seed)

    @face
    def quiz(self, seed: int | None = None) -> Quiz:
        """A quiz on each gradient, in the order of the backward pass, and on the way that each parameter moves then.

        `quiz.run()` runs it in a terminal, a notebook shows it as a page, and `quiz.save("quiz.html")` writes the page.

        A `seed` chooses other numbers for parameters and named scalars; equal seeds give equal numbers.

        >>> w = tg.parameter(3.0)
        >>> q = tg.Graph(w * w, names={"w": w}).quiz()
        >>> q.answer("2 * w").message
        'dw = 2 * w = 6.000: right'
        """
        from tinygraph.stepping.quiz import Quiz

        return Quiz(self._graph, seed)

    @face
    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        return self.draw()._repr_mimebundle_(**kwargs)

    def __repr__(self) -> str:
        return str(self.table())

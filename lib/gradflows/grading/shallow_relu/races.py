"""A neuron made to switch off at given times, and a race with an overtaking."""

import numpy as np
from scipy.integrate import solve_ivp

from gradflows.grading.answers import Array, Record
from gradflows.grading.properties import close
from gradflows.grading.questions import Part, Question, question


@question
class Order(Question):
    """A start that loses two samples at given times, judged by integrating the early flow."""

    label, points = "shallow-relu-order", 6

    def draw(self, rng):
        """Draw three samples, one of them of the sign of the neuron, and two times."""
        sign, own = int(rng.choice([-1, 1])), int(rng.integers(3))
        y = -sign * rng.uniform(0.6, 1.6, size=3)
        y[own] *= -1
        first, second = (int(k) for k in rng.permutation([k for k in range(3) if k != own]))
        q = np.round(rng.uniform(0.7, 1.5, size=3), 2)
        # short against the longest time that such a neuron can take, about 1.7 of these units
        unit = 3 / np.linalg.norm(q * y)
        t1 = round(unit * rng.uniform(0.2, 0.3), 3)
        return {
            "q": q,
            "y": np.round(y, 2),
            "sign": sign,
            "first": first,
            "second": second,
            "t1": t1,
            "t2": round(t1 + unit * rng.uniform(0.12, 0.25), 3),
        }

    def kind(self, data):
        """Return four coordinates."""
        return Array((4,))

    def judge(self, answer, data, rng):
        """Integrate; if a time is wrong, integrate the flows of frequent mistakes."""
        sees = answer[:3].min() > 0
        text = "the neuron does not see all three samples at the start"
        yield Part(1, "sees all samples", None if sees else text)
        force = np.append(data["sign"] * data["q"] * data["y"] / 3, 0.0)
        mistakes = {1: text, 2: text}
        if sees:
            mistakes = self._mistakes(answer, force, data)
        yield Part(3, "first switch", mistakes[1])
        yield Part(2, "second switch", mistakes[2])

    def _mistakes(self, start, force, data):
        """Return what is wrong with the first and the second switch."""
        # the early flow is homogeneous, so the size of the start does not matter
        start = start / np.abs(start).max()
        order, wanted = (data["first"], data["second"]), (data["t1"], data["t2"])
        times = switches(start, force, 8 * data["t2"])
        right = [_agree(times[k], t) for k, t in zip(order, wanted, strict=True)]
        if all(right):
            return {1: None, 2: None}
        named = None
        for text, flow in self._others(start, force, times, data).items():
            found = flow()
            if all(_agree(found[k], t) for k, t in zip(order, wanted, strict=True)):
                named = text
                break
        late = [
            f"sample {k} (counted from 0) is lost at {times[k]:.5g}" if np.isfinite(times[k])
            else f"sample {k} (counted from 0) is not lost" for k in order
        ]  # fmt: skip
        return {i + 1: None if right[i] else named or late[i] for i in range(2)}

    def _others(self, start, force, times, data):
        """Return the flows of frequent mistakes."""
        long, q = 8 * data["t2"], np.append(data["q"], 1.0)
        exchanged = np.arange(4)
        exchanged[[data["first"], data["second"]]] = data["second"], data["first"]
        return {
            "after the first switch the force is another one": lambda: switches(
                start, force, long, keep=True
            ),
            "the two samples are exchanged": lambda: times[exchanged],
            "the clock is that of a loss without 1/2": lambda: times / 2,
            "the factor 1/n of the mean loss is missing": lambda: times / 3,
            "the force is q y / n: the norm of the input is missing": lambda: switches(
                start, force / q, long
            ),
            "the coordinate orthogonal to the inputs counts in the norm of w": lambda: switches(
                np.append(start[:3], 0.0), force, long
            ),
        }


@question
class Overtaken(Question):
    """Labels for which one small neuron overtakes another, judged by running the race."""

    label, points = "shallow-relu-overtaken", 7

    def draw(self, rng):
        """Draw norms and which neuron sees what."""
        shared, *own = (int(k) for k in rng.permutation(4))
        a, b, c = (int(j) for j in rng.permutation(3))
        sets = [[], [], []]
        sets[a], sets[b], sets[c] = sorted([own[0], shared]), sorted([own[1], shared]), [own[2]]
        q = np.round(rng.uniform(0.7, 1.5, size=4), 2)
        return {"q": q, "sets": sets, "fastest": [a, b, c], "arrivals": [a, c, b]}

    def kind(self, data):
        """Return labels, times and a norm."""
        return Record(labels=Array((4,)), times=Array((3,)), norm=Array(()))

    def judge(self, answer, data, rng):
        """Run the race of these labels, and races with wrong rules."""
        y, q = answer["labels"], data["q"]
        if y.min() <= 0 or y.max() > 1e6 or y.min() < 1e-6:
            text = "all labels have to be positive (and of moderate size)"
            for points, what in ((1, "start"), (3, "arrivals"), (2, "times"), (1, "norm")):
                yield Part(points, what, text)
            return
        pulls = q * y / 4
        rates = [np.linalg.norm(pulls[seen]) for seen in data["sets"]]
        a, b, c = data["fastest"]
        apart = rates[a] > rates[b] * 1.001 and rates[b] > rates[c] * 1.001
        text = "at the start the neurons have not the rates in the order of `fastest`"
        yield Part(1, "start", None if apart else text)
        order, times, gains = race(data["sets"], pulls)
        yield Part(3, "arrivals", self._arrivals(order, times, data, apart))
        yield Part(2, "times", self._times(answer["times"], times, data["sets"], pulls, q))
        yield Part(1, "norm", self._norm(float(answer["norm"]), gains, y / q))

    def _arrivals(self, order, times, data, apart):
        """Say in which order the neurons arrive."""
        if not apart:
            return "without the order at the start there is no overtaking"
        if (np.diff(times) < 1e-3 * times[1:]).any():
            return "two arrivals are as good as simultaneous"
        if order == data["arrivals"]:
            return None
        if order == data["fastest"]:
            return "nobody overtakes: they arrive in the order of their rates at the start"
        return f"they arrive in the order {order}"

    def _times(self, given, times, sets, pulls, q):
        """Compare with the race, and with races under wrong rules."""
        given = np.sort(given)
        if close(given, times, 1e-5):
            return None
        others = {
            "these are the times without any change of the rates": (
                np.sort([1 / np.linalg.norm(pulls[seen]) for seen in sets])
            ),
            "what a neuron has gained before a jump is not lost": race(sets, pulls, refill=True)[1],
            "the factor 1/n of the force is missing": times / 4,
            "the force of sample k is q_k y_k / n": race(sets, pulls / q)[1],
        }
        named = (text for text, other in others.items() if close(given, other, 1e-5))
        return next(named, f"with these labels the jumps come at {np.round(times, 4)}")

    def _norm(self, given, gains, fits):
        """Compare with the sum over the jumps."""
        parts = [fits[gain] for gain in gains]
        if close(given, sum(np.linalg.norm(part) for part in parts), 1e-5):
            return None
        if close(given, np.linalg.norm(fits), 1e-5):
            return "this is the least norm; three jumps end with more"
        return "each jump adds the norm of the vector y_k / q_k over the samples that it fits"


def switches(start, force, t_max, keep=False):
    """Return the times at which coordinates vanish in the early flow; inf if never."""
    times, w, t = np.full(len(start), np.inf), np.array(start, dtype=float), 0.0
    mask = np.append(w[:-1] > 0, False)
    while t < t_max and mask.any():
        waiting = [k for k in np.flatnonzero(mask & ~np.isfinite(times)) if force[k] < 0]
        if not waiting:
            break
        events = [lambda _, z, k=k: z[k] for k in waiting]
        for event in events:
            event.terminal, event.direction = True, -1
        run = solve_ivp(
            lambda _, z, push=force * mask: np.linalg.norm(z) * push,
            (t, t_max), w, method="DOP853", rtol=1e-10, atol=1e-13, events=events,
        )  # fmt: skip
        w, t = run.y[:, -1].copy(), run.t[-1]
        for k, hits in zip(waiting, run.t_events, strict=True):
            if hits.size:
                times[k] = hits[0]
                if not keep:
                    mask[k], w[k] = False, 0.0
    return times


def race(sets, pulls, refill=False):
    """Run the race of budgets; return who arrives, when, and what each fits."""
    budgets, fitted, now = np.ones(len(sets)), set(), 0.0
    order, times, gains = [], [], []
    while True:
        left = [[k for k in seen if k not in fitted] for seen in sets]
        rates = np.array([np.linalg.norm(pulls[some]) if some else 0.0 for some in left])
        if not rates.any():
            return order, np.array(times), gains
        waits = np.where(rates > 0, budgets / np.where(rates > 0, rates, 1.0), np.inf)
        j = int(np.argmin(waits))
        now += waits[j]
        budgets = np.ones(len(sets)) if refill else budgets - rates * waits[j]
        order, times, gains = [*order, j], [*times, now], [*gains, left[j]]
        fitted |= set(sets[j])


def _agree(time, wanted):
    """Whether two times agree to six digits."""
    return bool(np.isfinite(time)) and abs(time - wanted) < 2e-6 * wanted

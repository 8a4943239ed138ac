r"""Check certificates: ``python -m gradflows.conservation.check_certificate FILE``.

This file stands alone, on Python's standard library and numpy. It recomputes, in plain integers,

1. vectors that lie in Lie(W_phi)(theta), whatever control and generators the certificate names,
   and their rank k modulo its prime p: the generic dimension of Lie(W_phi) is at least k;
2. that every exhibited law is a law, as an identity between polynomials over the integers (never
   modulo p), and the rank N of their gradients at theta modulo p;
3. from the widths alone, the further laws of linear networks with layers of width 1: between two
   consecutive ones D parameters carry D - 1 laws, independent of all other imbalances.

It accepts if k + N + further laws is the number of parameters and all claimed numbers are these.
An unlucky prime or point makes k or N too small: the sum falls short, and the file is rejected.
"""

import json
import sys
from collections import Counter, defaultdict

import numpy as np


class RejectedError(Exception):
    """The certificate does not prove what it claims."""


def require(condition, reason):
    """Raise unless the condition holds."""
    if not condition:
        raise RejectedError(reason)


def check(c):
    """Check a certificate, a dictionary read from JSON; return the verdict in words."""
    p, theta, widths = c["prime"], c["theta"], c["widths"]
    require(type(p) is int and 3 <= p < 2**21, "the prime is none between 3 and 2**21")
    require(all(p % d for d in range(2, int(p**0.5) + 1)), f"{p} is not prime")
    require(c["kind"] in ("linear", "relu", "map"), "unknown kind")
    network = c["kind"] != "map"
    size = len(network_places(c)) if network else len(theta)
    require(len(theta) == size == c["parameters"], "wrong number of parameters")
    require(all(type(x) is int and abs(x) < 2**62 for x in theta), "theta: no integers")
    k = rank(network_vectors(c) if network else map_vectors(c), p)
    laws, joints = c["exhibited_laws"], junctions(c) if network else None
    for law in laws:
        require(all(type(a) is int and all(0 <= j < size for j in m) for a, m in law), "bad law")
        holds = check_network_law(joints, law) if network else check_map_law(c["phi"], law)
        require(holds, f"no law: {law}")
    N = rank([slope(law, theta, p) for law in laws], p)
    extra = 0
    if c["lemma"] is not None:
        plain = c["kind"] == "linear" and not c["bias"]
        require(plain and c["lemma"]["name"] == "scalar chains", "unknown lemma")
        extra = scalar_chains(widths)
        require(extra == c["lemma"]["extra"], f"the lemma gives {extra} further laws")
        N = min(N, imbalances(widths))  # it counts on top of the imbalances only
    total = f"dim Lie >= {k}, laws >= {N} + {extra}, parameters: {size}"
    require(k + N + extra == size, f"the bounds do not meet: {total}")
    claimed = (c["lie_dimension"], c["laws"], c["exhibited"])
    require(claimed == (k, size - k, N + extra), f"claimed {claimed}, found {total}")
    return f"{size} parameters, dim Lie = {k}, {size - k} laws, complete"


def rank(rows, p):
    """Gaussian elimination modulo p, one pivot at a time, in int64."""
    rest, r = np.array(rows, dtype=np.int64, ndmin=2) % p, 0
    for column in range(rest.shape[1]):
        hits = np.flatnonzero(rest[r:, column])
        if hits.size == 0:
            continue
        rest[[r, r + hits[0]]] = rest[[r + hits[0], r]]
        rest[r] = rest[r] * pow(int(rest[r, column]), -1, p) % p
        below = r + 1 + np.flatnonzero(rest[r + 1 :, column])
        change = rest[below, column, None] * rest[r, column:]
        rest[below, column:] = (rest[below, column:] - change) % p
        r += 1
    return r


# Networks: theta is W_1, b_1, W_2, ..., row by row; only hidden layers have biases.


def network_places(c):
    """List, for every parameter, its layer, row and column; the column of a bias is -1."""
    widths, places = c["widths"], []
    require(type(c["bias"]) is bool, "bias: neither true nor false")
    require(len(widths) >= 2 and all(type(d) is int and d > 0 for d in widths), "bad widths")
    for i in range(1, len(widths)):
        places += [(i, a, b) for a in range(widths[i]) for b in range(widths[i - 1])]
        places += [(i, a, -1) for a in range(widths[i]) if c["bias"] and i < len(widths) - 1]
    return places


def network_vectors(c):
    """Rows that lie in Lie(W_phi)(theta): gradients of paths, or iterates along a trajectory."""
    p, widths, theta, places = c["prime"], c["widths"], c["theta"], network_places(c)
    if c["kind"] == "relu":
        for path in c["paths"]:
            steps = [places[j] for j in path]
            first, last = steps[0], steps[-1]
            ends = (first[0] == 1 or first[2] == -1) and last[0] == len(widths) - 1
            pairs = zip(steps, steps[1:], strict=False)
            joined = all(b[0] == a[0] + 1 and b[2] == a[1] for a, b in pairs)
            require(ends and joined, f"no path: {path}")
        return [slope([[1, path]], theta, p) for path in c["paths"]]
    # With biases the layers are ((W_i, b_i), (0, 1)), the last one is (W_h, 0).
    inputs, hidden, W = widths[0] + c["bias"], [c["bias"]] * (len(widths) - 2) + [0], []
    for rows, columns, more in zip(widths[1:], widths, hidden, strict=False):
        W.append(np.zeros((2, rows + more, columns + c["bias"]), dtype=np.int64))
        W[-1][0, -1, -1] = more
    for value, (layer, row, column) in zip(theta, places, strict=True):
        W[layer - 1][:, row, column] = value % p, 1  # and what moves is marked by 1
    W, masks = ([w[k] for w in W] for k in (0, 1))
    left, right = (np.array(c[key], dtype=np.int64) % p for key in ("left", "right"))
    shapes = [(len(left), widths[-1]), (len(left), inputs)]
    require([left.shape, right.shape] == shapes, "left, right: wrong shapes")
    control = np.array(c["control"], dtype=np.int64).reshape(-1, widths[-1], inputs) % p
    require((len(control) + 1) * (max(widths) + 1) < 2**20, "control: too long")

    def gradient(point, U, p):
        pairs = zip(linear_gradient(point, U, p), masks, strict=True)
        return [tuple(x and [y * mask for y in x] for x in moved) for moved, mask in pairs]

    return iterates(gradient, W, control, left[:, :, None] * right[:, None] % p, p)


def linear_gradient(W, U, p):
    """Gradients (W_h..W_{i+1})^T U (W_{i-1}..W_1)^T."""
    n, h = len(W[0][0]), len(W)
    one = np.eye(W[0][0][0].shape[1], dtype=np.int64)
    before, after = [([one] + [0 * one] * (n - 1), None)], [(U, None)]
    for i in range(1, h):
        before.append(times(W[i - 1], before[-1], p))
        after.insert(0, times(transpose(W[h - i]), after[0], p))
    return [times(a, transpose(b), p) for a, b in zip(after, before, strict=True)]


def junctions(c):
    """For every hidden layer i the entries of W_{i+1} (W_i, b_i), parameter by parameter.

    A parameter of one factor is listed with those of the other that it meets, and the entry in
    which it does. For ReLU networks each path is an entry of phi: sums are taken apart.
    """
    result = [defaultdict(list) for _ in c["widths"]]
    into = defaultdict(list)
    for j, (layer, row, column) in enumerate(network_places(c)):
        into[layer, row].append((j, column))
        for other, start in into[layer - 1, column]:
            entry = (row, start) if c["kind"] == "linear" else (row, start, column)
            result[layer - 1][j].append((entry, other))
            result[layer - 1][other].append((entry, j))
    return result


def check_network_law(junctions, law):
    """Tell whether a quadratic law of one hidden layer holds identically, by an exact expansion.

    Its gradient moves W_i, b_i and W_{i+1} alone. If all entries of W_{i+1} (W_i, b_i) change by
    the zero polynomial, so do all entries of phi, of which these are factors.
    """
    for met in junctions:
        if all(j in met and len(m) == 2 for _, m in law for j in m):
            change = Counter()
            for j, a, (k,) in partials(law):
                for entry, other in met[j]:
                    change[entry, min(k, other), max(k, other)] += a
            return not any(change.values())
    return False


def imbalances(w):
    """Count the independent entries of the imbalances of a linear network with the widths w."""
    pairs = [(w[i], max(0, w[i] - w[i - 1] - w[i + 1])) for i in range(1, len(w) - 1)]
    return sum(d * (d + 1) // 2 - e * (e + 1) // 2 for d, e in pairs)


def scalar_chains(widths):
    """Count the further laws between consecutive layers of width 1."""
    ones, extra = [i for i, width in enumerate(widths) if width == 1], 0
    for first, last in zip(ones, ones[1:], strict=False):
        w = widths[first : last + 1]
        extra += sum(a * b for a, b in zip(w, w[1:], strict=False)) - 1 - imbalances(w)
    return extra


# Any polynomial map: a polynomial is a list of terms [coefficient, indices with repetitions].


def partials(polynomial):
    """Differentiate: triples of a variable, a coefficient and the remaining indices."""
    return [(j, a, m[:place] + m[place + 1 :]) for a, m in polynomial for place, j in enumerate(m)]


def slope(polynomial, theta, p):
    """Gradient at theta, modulo p."""
    row = [0] * len(theta)
    for j, a, rest in partials(polynomial):
        for other in rest:
            a = a * theta[other] % p
        row[j] += a
    return [entry % p for entry in row]


def check_map_law(phi, law):
    """Expand <grad law, grad phi_i> over the integers for every i."""
    for polynomial in phi:
        change = Counter()
        for j, a, rest in partials(polynomial):
            for k, b, other in partials(law):
                if j == k:
                    change[tuple(sorted(rest + other))] += a * b
        if any(change.values()):
            return False
    return True


def map_vectors(c):
    """Rows that lie in Lie(W_phi)(theta)."""
    p, phi, size = c["prime"], c["phi"], len(c["theta"])
    for a, m in (term for f in phi for term in f):
        require(type(a) is int and all(0 <= j < size for j in m), "phi: no polynomials")
    control = np.array(c["control"], dtype=np.int64).reshape(-1, len(phi)) % p

    def gradient(point, U, p):
        total = [([0 * u[..., 0, None, None] for u in U], None) for _ in point]
        for i, f in enumerate(phi):
            for j, a, rest in partials(f):
                term = [u[..., i, None, None] * (a % p) % p for u in U], None
                for other in rest:
                    term = times(term, point[other], p)
                total[j] = tuple(plus(x, y, p) for x, y in zip(total[j], term, strict=True))
        return total

    theta = [np.array([[value % p]], dtype=np.int64) for value in c["theta"]]
    return iterates(gradient, theta, control, np.eye(len(phi), dtype=np.int64), p)


# Iterates along a trajectory. A series is a list of integer arrays. A number x + eps y with
# eps^2 = 0 is a pair of series; in place of y stands None if it is zero.


def iterates(gradient, theta, control, starts, p):
    """Iterate Z -> Z' - HZ along theta' = grad <u(t), phi>, at t = 0.

    Z starts at the gradients of <start, phi>; HZ is the part with eps of the gradient at
    theta + eps Z. Whatever the control and the starts are, all rows lie in Lie(W_phi)(theta).
    """
    K, path, rows = len(control), [[x] for x in theta], []
    require(p > K, "control: too long")
    for k in range(K):
        moved = gradient([(x, None) for x in path], list(control[: k + 1]), p)
        for x, (v, _) in zip(path, moved, strict=True):
            x.append(v[k] * pow(k + 1, -1, p) % p)
    constant = [starts] + [0 * starts] * K
    Z = [x for x, _ in gradient([(x, None) for x in path], constant, p)]
    for n in range(K, -1, -1):
        rows.append(np.hstack([z[0].reshape(len(starts), -1) for z in Z]))
        if n:
            point = [(x[:n], z[:n]) for x, z in zip(path, Z, strict=True)]
            moved = gradient(point, list(control[:n]), p)
            Z = [
                [((k + 1) * z[k + 1] - (y[k] if y else 0)) % p for k in range(n)]
                for z, (_, y) in zip(Z, moved, strict=True)
            ]
    return np.concatenate(rows)


def plus(a, b, p):
    """Add two series; None is zero."""
    return (a or b) if not (a and b) else [(x + y) % p for x, y in zip(a, b, strict=True)]


def times(first, second, p):
    """Multiply two numbers."""

    def product(a, b):
        if a is None or b is None:
            return None
        n = min(len(a), len(b))
        return [sum(a[j] @ b[k - j] for j in range(k + 1)) % p for k in range(n)]

    (x, dx), (y, dy) = first, second
    return product(x, y), plus(product(x, dy), product(dx, y), p)


def transpose(number):
    """Transpose all matrices."""
    return tuple(a and [x.swapaxes(-1, -2) for x in a] for a in number)


def main(arguments):
    """Check one file; return the exit status, 0 if it is accepted."""
    if len(arguments) != 1:
        print("usage: python -m gradflows.conservation.check_certificate FILE")
        return 2
    try:
        with open(arguments[0], encoding="utf-8") as file:
            print("accepted:", check(json.load(file)))
    except RejectedError as reason:
        print("rejected:", reason)
        return 1
    except (OSError, LookupError, TypeError, ValueError, OverflowError) as problem:
        print("rejected: not a certificate,", repr(problem))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Laws from symmetries: momentum with two masses, and products along a graph."""

import sympy as sp

from gradflows.grading.answers import Array, Listing, Polynomial, Record
from gradflows.grading.properties import conserved_along, is_constant, jacobian_rank
from gradflows.grading.questions import Part, Question, question

PHASE = ("a1", "a2", "b1", "b2", "p1", "p2", "q1", "q2")
NODES = tuple(f"x{i}" for i in range(8))


@question
class Masses(Question):
    """A law of momentum with its decay, as an identity for every force."""

    label, points = "conservation-masses", 6

    def draw(self, rng):
        """Draw two different masses and the friction."""
        m, n = rng.choice(range(1, 8), size=2, replace=False)
        return {"m": int(m), "n": int(n), "gamma": round(float(rng.uniform(0.2, 0.9)), 1)}

    def kind(self, data):
        """Return a polynomial and a number."""
        return Record(J=Polynomial(PHASE), kappa=Array(()))

    def judge(self, answer, data, rng):
        """Compute dJ/dt for an unknown force and compare with -kappa J."""
        J, m, n = answer["J"], data["m"], data["n"]
        gamma = sp.nsimplify(data["gamma"], rational=True)
        decay = self._decay(J, m, n, gamma)
        mistake = None
        if is_constant(J):
            mistake = "a constant tells nothing"
        elif decay is None:
            mistake = self._named(J, m, n, gamma)
        yield Part(4, "J", mistake)
        text = "without J there is no rate"
        if mistake is None:
            right = abs(float(answer["kappa"]) - float(decay)) < 1e-9
            other = abs(float(answer["kappa"]) + float(decay)) < 1e-9
            text = None if right else "the sign of kappa is the opposite" if other else (
                "J decays at another rate: compare dJ/dt with J"
            )  # fmt: skip
        yield Part(2, "kappa", text)

    def _decay(self, J, m, n, gamma):
        """Return the kappa with dJ/dt = -kappa J for every force, None if there is none."""
        a1, a2, b1, b2, p1, p2, q1, q2 = J.gens
        force = sp.Symbol("force")
        field = [p1, p2, q1, q2, -force * b1 / m - gamma * p1, -force * b2 / m - gamma * p2,
                 -force * a1 / n - gamma * q1, -force * a2 / n - gamma * q2]  # fmt: skip
        rate = sum(J.diff(s).as_expr() * f for s, f in zip(J.gens, field, strict=True))
        kappa = sp.Symbol("kappa")
        equations = sp.Poly(sp.expand(rate + kappa * J.as_expr()), *J.gens, force).coeffs()
        solved = sp.solve(equations, kappa, dict=True)
        return solved[0].get(kappa) if solved else None

    def _named(self, J, m, n, gamma):
        """Name the mistake by a problem that this J would solve."""
        flipped = sp.Poly(J.as_expr().subs(J.gens[6], -J.gens[6]).subs(J.gens[7], -J.gens[7]),
                          *J.gens)  # fmt: skip
        if self._decay(J, 1, 1, gamma) is not None:
            return "this is right for equal masses; each layer turns with its own mass"
        if self._decay(J, n, m, gamma) is not None:
            return "the masses are exchanged"
        if self._decay(flipped, m, n, gamma) is not None:
            return "both layers turn the same way: their parts are added"
        return "dJ/dt is not a multiple of J for every force"


@question
class Graph(Question):
    """All laws of products along a graph: exact derivatives and an exact rank."""

    label, points = "conservation-graph", 6

    def draw(self, rng):
        """Draw an even cycle with a tail or a path, an odd cycle, and perhaps a single node."""
        order = [int(i) for i in rng.permutation(8)]
        pieces = [
            [(0, 1), (1, 2), (2, 3), (4, 5), (5, 6), (6, 4)],
            [(0, 1), (1, 2), (2, 3), (3, 0), (4, 5), (5, 6), (6, 4)],
            [(0, 1), (1, 2), (1, 3), (4, 5), (5, 6), (6, 7), (7, 5)],
            [(0, 1), (2, 3), (3, 4), (4, 2), (4, 5), (6, 7)],
        ]
        chosen = pieces[rng.integers(len(pieces))]
        edges = sorted(tuple(sorted((order[i], order[j]))) for i, j in chosen)
        return {"edges": [list(edge) for edge in edges]}

    def kind(self, data):
        """Return a list of polynomials in eight symbols."""
        return Listing(Polynomial(NODES))

    def judge(self, answer, data, rng):
        """Differentiate along the gradient of each product; count independent ones."""
        fields, mistake = self._fields(data["edges"]), None
        for poly in answer:
            if is_constant(poly):
                mistake = mistake or "a constant is conserved by every flow"
            elif not all(conserved_along(poly, field) for field in fields):
                mistake = mistake or self._named(poly, data["edges"], fields)
        if not answer:
            mistake = "no polynomial was given"
        yield Part(2, "each is a law", mistake)
        good = [p for p in answer if all(conserved_along(p, field) for field in fields)]
        rank, wanted = jacobian_rank(good, rng) if good else 0, _law_count(data["edges"])
        text = f"{rank} of your laws are independent; there are more"
        if rank < wanted and not any(p.degree(i) for p in good for i in _alone(data["edges"])):
            text += "; think of every connected piece, single nodes too"
        yield Part(4, "all", None if rank == wanted else text)

    def _fields(self, edges):
        """Return the gradients of the products."""
        x = sp.symbols(NODES)
        fields = []
        for i, j in edges:
            field = [sp.Integer(0)] * 8
            field[i], field[j] = x[j], x[i]
            fields.append(field)
        return fields

    def _named(self, poly, edges, fields):
        """Say along which edge a polynomial changes, and whether a sign would help."""
        signs = [[-e if k == max(edge) else e for k, e in enumerate(field)]
                 for edge, field in zip(edges, fields, strict=True)]  # fmt: skip
        if all(conserved_along(poly, field) for field in signs):
            return "this is a sum of squares: along an edge one square is subtracted"
        edge = next(e for e, f in zip(edges, fields, strict=True) if not conserved_along(poly, f))
        short = str(poly.as_expr())[:60]
        return f"{short} changes along the edge {tuple(edge)}"


def _pieces(edges):
    """Return the connected pieces as sets of nodes, each with whether it is bipartite."""
    colour, pieces = {}, []
    for start in range(8):
        if start in colour:
            continue
        colour[start], piece, todo, even = 0, {start}, [start], True
        while todo:
            node = todo.pop()
            for other in (sum(e) - node for e in edges if node in e):
                if other not in colour:
                    colour[other] = 1 - colour[node]
                    piece.add(other)
                    todo.append(other)
                even &= colour[other] != colour[node]
        pieces.append((piece, even))
    return pieces


def _law_count(edges):
    """Return the number of laws: one for each piece without an odd cycle."""
    return sum(even for _, even in _pieces(edges))


def _alone(edges):
    """Return the nodes without an edge."""
    return [i for i in range(8) if not any(i in edge for edge in edges)]

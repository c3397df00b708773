"""Plane geometry of the figure: smooth closed lines through points, as SVG writes them and as polygons."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

Point = tuple[float, float]
STEPS = 6  # straight pieces of one curve: under a tenth of a unit off


@dataclass(frozen=True)
class Affine:
    """A placement on a view: x' = a·x + c·y + e, y' = b·x + d·y + f, as SVG's ``matrix``."""

    a: float
    b: float
    c: float
    d: float
    e: float
    f: float

    def move(self, point: Point) -> Point:
        """Where a point of a part lies on the view."""
        x, y = point
        return self.a * x + self.c * y + self.e, self.b * x + self.d * y + self.f


@dataclass(frozen=True)
class Shape:
    """A line through points, smooth but at ``corners``; closed unless it is a detail of the drawing."""

    points: tuple[Point, ...]
    corners: frozenset[int]
    is_closed: bool = True

    @classmethod
    def parse(cls, text: str, *, is_closed: bool = True) -> "Shape":
        """Read ``"0,0! 24,3.5 …"``: a mark of exclamation makes a corner."""
        words = text.split()
        corners = frozenset(place for place, word in enumerate(words) if word.endswith("!"))
        return cls(tuple(_read(word) for word in words), corners, is_closed)

    def mirrored(self) -> "Shape":
        """The same on the other side of x = 0."""
        return Shape(tuple((-x, y) for x, y in self.points), self.corners, self.is_closed)

    def doubled(self) -> "Shape":
        """The half and its mirror image as one line; points on x = 0 are the ends of the half and stand once."""
        count = len(self.points)
        back = [place for place in range(count - 1, -1, -1) if self.points[place][0] != 0]
        points = (*self.points, *((-self.points[place][0], self.points[place][1]) for place in back))
        again = {count + place for place, old in enumerate(back) if old in self.corners}
        return Shape(points, self.corners | again, self.is_closed)

    def moved(self, by: Affine) -> "Shape":
        """The same where ``by`` puts it."""
        return Shape(tuple(by.move(point) for point in self.points), self.corners, self.is_closed)

    @cached_property
    def curves(self) -> tuple[tuple[Point, Point, Point, Point], ...]:
        """Cubic curves (Catmull and Rom's) from point to point: start, two handles, end."""
        points, count = self.points, len(self.points)
        handles = [self._tangent(place) for place in range(count)]
        ends = range(count if self.is_closed else count - 1)
        found = []
        for start in ends:
            end = (start + 1) % count
            (x0, y0), (x1, y1) = points[start], points[end]
            (u0, v0), (u1, v1) = handles[start], handles[end]
            found.append(((x0, y0), (x0 + u0, y0 + v0), (x1 - u1, y1 - v1), (x1, y1)))
        return tuple(found)

    def _tangent(self, place: int) -> Point:
        """A third of the way's slope at a point; none at corners and loose ends."""
        count = len(self.points)
        if place in self.corners or (not self.is_closed and place in {0, count - 1}):
            return 0.0, 0.0
        (x0, y0), (x1, y1) = self.points[place - 1], self.points[(place + 1) % count]
        return (x1 - x0) / 6, (y1 - y0) / 6

    @cached_property
    def path(self) -> str:
        """The line as SVG's ``d``, to a tenth of a unit."""
        parts = [f"M{_write(self.points[0])}"]
        for start, first, second, end in self.curves:
            straight = first == start and second == end
            parts.append(f"L{_write(end)}" if straight else f"C{_write(first)} {_write(second)} {_write(end)}")
        return "".join(parts) + ("Z" if self.is_closed else "")

    @cached_property
    def drawn(self) -> str:
        """The line as SVG's ``d`` without its cuts: straight pieces between two corners."""
        parts, at = [], None
        for place, (start, first, second, end) in enumerate(self.curves):
            if {place, (place + 1) % len(self.points)} <= self.corners:
                continue
            if at != start:
                parts.append(f"M{_write(start)}")
            parts.append(f"C{_write(first)} {_write(second)} {_write(end)}")
            at = end
        return "".join(parts)

    @cached_property
    def polygon(self) -> tuple[Point, ...]:
        """The line in straight pieces."""
        found: list[Point] = []
        for curve in self.curves:
            straight = curve[0] == curve[1] and curve[2] == curve[3]
            found += [_at(curve, step / STEPS) for step in range(1 if straight else STEPS)]
        return tuple(found)

    @cached_property
    def box(self) -> tuple[float, float, float, float]:
        """Least x and y, greatest x and y."""
        xs, ys = [x for x, _ in self.polygon], [y for _, y in self.polygon]
        return min(xs), min(ys), max(xs), max(ys)

    def holds(self, point: Point) -> bool:
        """Whether a point lies inside: a ray from it crosses the line an odd number of times."""
        x, y = point
        left, top, right, bottom = self.box
        if not (left <= x <= right and top <= y <= bottom):
            return False
        inside, (x0, y0) = False, self.polygon[-1]
        for x1, y1 in self.polygon:
            if (y0 > y) != (y1 > y) and x < (x1 - x0) * (y - y0) / (y1 - y0) + x0:
                inside = not inside
            x0, y0 = x1, y1
        return inside


def _read(word: str) -> Point:
    x, y = word.removesuffix("!").split(",")
    return float(x), float(y)


def _write(point: Point) -> str:
    return f"{point[0]:.1f} {point[1]:.1f}"


def _at(curve: Sequence[Point], t: float) -> Point:
    """A point of a cubic curve, ``t`` from 0 to 1."""
    s = 1 - t
    weights = (s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t)
    return (
        sum(weight * x for weight, (x, _) in zip(weights, curve, strict=True)),
        sum(weight * y for weight, (_, y) in zip(weights, curve, strict=True)),
    )

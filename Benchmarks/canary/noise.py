"""What pushes are made of: hosts, canaries, noise and regressions. One `Noise` is one row of the table."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Gauge:
    """A level that wanders: AR(1) around the host's own, with white noise on top; standard deviations are of logarithms."""

    name: str
    level: float
    persistence: float
    """The AR(1) coefficient over five seconds."""
    wander: float
    """Standard deviation of the AR(1) part."""
    white: float
    follows_traffic: float
    """The share of the traffic's logarithm that it follows."""
    worse: str = "higher"


@dataclass(frozen=True)
class Counter:
    """Events: gamma-Poisson over hosts, so that some hosts have many more than others, before and after alike."""

    name: str
    rates: tuple[float, float]
    """The fleet's mean events in five seconds and on one host is drawn between these for each push, evenly in logarithms."""
    dispersions: tuple[float, float]
    """The gamma law's shape is drawn between these: 0.5 is wild, 60 nearly none."""
    worse: str = "higher"


@dataclass(frozen=True)
class Noise:
    """The circumstances of a set of pushes."""

    key: str
    what: str
    budget: float | None = 0.015
    """The most good releases that may be rolled back."""
    hosts: tuple[int, ...] = (20, 100, 300)
    canaries: tuple[int, ...] = (1, 2, 3, 5, 10, 15)
    """At most a quarter of the hosts, unless `controls` says how many are not flipped."""
    controls: int | None = None
    metrics: tuple[Gauge | Counter, ...] = ()
    host_effect: float = 0.2
    """How much hosts differ in size, which all their metrics show; standard deviation of logarithms."""
    own_effect: float = 0.08
    """How much a metric of a host differs from that."""
    tails: float | None = None
    """Degrees of freedom of a t law instead of the normal one."""
    tails_of: str = "samples"
    """Whether the law is that of single `samples`, or whole `hosts` are quiet or wild."""
    drift: float = 0.0
    """How far a host moves away from the others from the first to the last sample; standard deviation of logarithms."""
    sick: float = 0.1
    """The chance of one sick host, far off its peers all the time."""
    scattered: float = 0.0
    """The share of samples that do not come."""
    vanishing: float = 0.0
    """The chance that hosts vanish: up to a tenth of them, one at least, at some moment."""
    intervals: tuple[float, ...] = (5.0,)
    ragged: bool = False
    """Whether hosts have a sample more or less than others."""
    is_signed: bool = False
    """Whether gauges may be negative."""
    clumps: float = 1.0
    """Events come so many at once, on average."""
    cold_events: float = 1.0
    """What cold caches multiply the events of the first ten seconds by."""
    sizes: dict[str, tuple[float, ...]] = field(
        default_factory=lambda: {"gauge": (1.2, 1.5, 2.0), "counter": (2.0, 5.0, 10.0)})
    knows_reference: bool = True
    """Whether the reference judge can read such recordings."""


USUAL_METRICS: tuple[Gauge | Counter, ...] = (
    Gauge("load", 2.0, persistence=0.9, wander=0.18, white=0.05, follows_traffic=1.0),
    Gauge("p95_ms", 120.0, persistence=0.6, wander=0.15, white=0.1, follows_traffic=0.5),
    Counter("errors", rates=(0.15, 0.8), dispersions=(1.0, 6.0)),
    Counter("slow_queries", rates=(0.15, 0.8), dispersions=(1.0, 6.0)),
)

LOWER_METRICS: tuple[Gauge | Counter, ...] = (
    Gauge("hit_rate", 40.0, persistence=0.9, wander=0.18, white=0.05, follows_traffic=0.2, worse="lower"),
    Gauge("throughput", 120.0, persistence=0.6, wander=0.15, white=0.1, follows_traffic=1.0, worse="lower"),
    Counter("orders", rates=(1.0, 6.0), dispersions=(2.0, 12.0), worse="lower"),
    Counter("logins", rates=(1.0, 6.0), dispersions=(2.0, 12.0), worse="lower"),
)

WILD_METRICS = USUAL_METRICS[:2] + (
    Counter("errors", rates=(0.15, 0.8), dispersions=(0.5, 0.5)),
    Counter("slow_queries", rates=(0.15, 0.8), dispersions=(0.5, 0.5)),
)

USUAL = Noise("usual", "as described above", budget=0.01)

FEW = {"hosts": (), "canaries": (1, 2, 3)}

NOISES: tuple[Noise, ...] = (
    USUAL,
    Noise("tails-samples", "samples with heavy tails (t, 4 degrees of freedom)", tails=4),
    Noise("tails-hosts", "quiet and wild hosts (the same law, for a host's whole series)", tails=4, tails_of="hosts"),
    Noise("wild-counters", "counters that differ more between hosts (r = 0.5)", metrics=WILD_METRICS),
    Noise("clumps", "events that come two at a time", clumps=2.0, budget=None),
    Noise("drift", "hosts that drift apart (sd 0.1)", drift=0.1),
    Noise("controls-8", "8 controls", controls=8, **FEW),
    Noise("controls-4", "4 controls", controls=4, **FEW),
    Noise("controls-3", "3 controls", controls=3, **FEW),
    Noise("controls-4-drift", "4 controls that drift apart", controls=4, drift=0.1, budget=None, **FEW),
    Noise("sick", "a sick host in every push", sick=1.0),
    Noise("missing", "a tenth of the samples missing", scattered=0.1, knows_reference=False),
    Noise("vanishing", "hosts that vanish, in every push", vanishing=1.0, scattered=0.02, knows_reference=False),
    Noise(
        "intervals", "a sample every 2, 10 or 15 s, and hosts with one more or less", intervals=(2.0, 10.0, 15.0),
        ragged=True, knows_reference=False),
    Noise("signed", "gauges that are negative at times", is_signed=True),
    Noise(
        "lower", "metrics that are worse when lower", metrics=LOWER_METRICS, knows_reference=False,
        sizes={"gauge": (1 / 1.2, 1 / 1.5, 1 / 2.0), "counter": (1 / 2.0, 1 / 5.0, 1 / 10.0)}),
    Noise("cold-events", "twice the events, too, while caches are cold", cold_events=2.0, budget=None),
)

"""Simulated pushes, each a dictionary in the form that docs/canary-format.md describes.

The same noise, set, kind and index give the same push for ever: every push has a random generator of its own. What is
used for tuning a judge (the set `tune`) never meets what it is measured with (`check`).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from noise import USUAL_METRICS, Counter, Gauge, Noise

SETS = {"tune": 1, "check": 2}
BASELINE_SECONDS = WINDOW_SECONDS = 60.0
COLD_SECONDS = 10.0
COLD_GAUGES = 1.5
"""What cold caches multiply a gauge by at the moment of the flip; it falls back evenly."""
TRAFFIC_STEP = 0.03
"""How far the traffic's logarithm moves in five seconds; standard deviation."""

Samples = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Push:
    """A push with the truth about it."""

    recording: dict[str, Any]
    culprit: str | None
    """The metric that got worse; None: the release is good."""
    change: str
    """What the release did: `gauge × 1.5`; empty for a good one."""
    canaries: int


def push(noise: Noise, chosen_set: str, index: int, is_bad: bool) -> Push:
    """One push; good and bad releases alternate through the regressions of the noise."""
    seed = [SETS[chosen_set], zlib.crc32(noise.key.encode()), int(is_bad), index]
    random = np.random.default_rng(seed)
    metrics = noise.metrics or USUAL_METRICS
    canaries = int(random.choice(noise.canaries))
    if noise.controls is not None:
        hosts = canaries + noise.controls
    else:
        hosts = int(random.choice(noise.hosts))
        canaries = min(canaries, hosts // 4)
    culprit, factor, change = None, 1.0, ""
    if is_bad:
        kind, factor = [(kind, size) for kind, sizes in noise.sizes.items() for size in sizes][
            index % sum(len(sizes) for sizes in noise.sizes.values())]
        fitting = [metric for metric in metrics if isinstance(metric, Gauge if kind == "gauge" else Counter)]
        culprit = fitting[int(random.integers(len(fitting)))].name
        change = f"{kind} × {factor:.3g}"
    interval = float(random.choice(noise.intervals))
    fleet = _Fleet(noise, random, hosts, canaries, interval)
    series = {
        metric.name: fleet.gauge(metric, factor if metric.name == culprit else 1.0) if isinstance(metric, Gauge)
        else fleet.counter(metric, factor if metric.name == culprit else 1.0)
        for metric in metrics}
    name = f"{noise.key} {chosen_set} {index} {change or 'good'}"
    return Push(fleet.recording(name, metrics, series), culprit, change, canaries)


class _Fleet:
    """What all metrics of a push share: the hosts' sizes, the traffic, who is sick and who vanishes."""

    def __init__(self, noise: Noise, random: np.random.Generator, hosts: int, canaries: int, interval: float) -> None:
        self.noise, self.random, self.hosts, self.interval = noise, random, hosts, interval
        self.before = max(round(BASELINE_SECONDS / interval), 1)
        self.samples = self.before + max(round(WINDOW_SECONDS / interval), 1)
        self.is_canary = np.zeros(hosts, bool)
        self.is_canary[random.permutation(hosts)[:canaries]] = True
        self.size = random.normal(0, noise.host_effect, hosts)
        self.traffic = random.normal(0, TRAFFIC_STEP * np.sqrt(interval / 5), self.samples).cumsum()
        self.sick = int(random.integers(hosts)) if random.random() < noise.sick else None
        since_flip = (np.arange(self.samples) - self.before) * interval
        self.is_after = since_flip >= 0
        self.cold = np.where(self.is_after, np.clip(1 - since_flip / COLD_SECONDS, 0, 1), 0.0)

    def gauge(self, metric: Gauge, factor: float) -> Samples:
        """Samples of all hosts, one row each."""
        noise, random, shape = self.noise, self.random, (self.hosts, self.samples)
        persistence = metric.persistence ** (self.interval / 5)
        shocks = self._bell(shape)
        wander = np.empty(shape)
        wander[:, 0] = shocks[:, 0]
        for at in range(1, self.samples):
            wander[:, at] = persistence * wander[:, at - 1] + np.sqrt(1 - persistence**2) * shocks[:, at]
        unrest = metric.wander * wander + metric.white * self._bell(shape)
        if noise.tails is not None and noise.tails_of == "hosts":
            unrest *= np.sqrt(noise.tails / random.chisquare(noise.tails, self.hosts))[:, None]
        own = self.size + random.normal(0, noise.own_effect, self.hosts)
        if self.sick is not None:
            own[self.sick] += np.log(3)
            unrest[self.sick] *= 2
        unrest += self._drift()
        flipped = self.is_canary[:, None] * self.is_after
        cold = np.log1p((COLD_GAUGES - 1) * self.cold) * self.is_canary[:, None]
        logarithm = own[:, None] + metric.follows_traffic * self.traffic + unrest + cold
        if noise.is_signed:
            # A difference (a queue's growth, a temperature) of the same size as its changes, on a linear scale.
            offset = 2 * random.normal(0, 1, self.hosts)
            linear = 1 + offset[:, None] + logarithm + (factor - 1) * flipped * np.median(np.abs(1 + offset))
            return np.round(metric.level * linear, 3)
        return np.round(metric.level * np.exp(logarithm + np.log(factor) * flipped), 3)

    def counter(self, metric: Counter, factor: float) -> Samples:
        """Samples of all hosts, one row each: events since the sample before."""
        noise, random = self.noise, self.random
        rate, dispersion = (
            float(np.exp(random.uniform(*np.log(bounds)))) for bounds in (metric.rates, metric.dispersions))
        each = random.gamma(dispersion, 1 / dispersion, self.hosts)
        if self.sick is not None:
            each[self.sick] *= 15
        flipped = self.is_canary[:, None] * self.is_after
        cold = 1 + (noise.cold_events - 1) * (self.cold > 0) * self.is_canary[:, None]
        drift = np.exp(self._drift()) if noise.drift else 1.0
        mean = rate * self.interval / 5 * each[:, None] * np.exp(self.traffic) * drift * cold * factor**flipped
        events = random.poisson(mean / noise.clumps)
        if noise.clumps > 1:
            # Each arrival is one event and a Poisson number of others.
            events = events + random.poisson((noise.clumps - 1) * events)
        return events.astype(float)

    def _bell(self, shape: tuple[int, int]) -> Samples:
        """Noise of standard deviation one."""
        tails = self.noise.tails
        if tails is None or self.noise.tails_of == "hosts":
            return self.random.normal(0, 1, shape)
        return self.random.standard_t(tails, shape) / np.sqrt(tails / (tails - 2))

    def _drift(self) -> Samples:
        slope = self.random.normal(0, self.noise.drift, self.hosts) if self.noise.drift else np.zeros(self.hosts)
        return slope[:, None] * np.linspace(-0.5, 0.5, self.samples)

    def recording(
        self, name: str, metrics: tuple[Gauge | Counter, ...], series: dict[str, Samples]
    ) -> dict[str, Any]:
        """The push as it is written: what did not come is None."""
        is_missing = self._missing()
        width = {
            metric.name: self.random.integers(-1, 2, (self.hosts, 2)) if self.noise.ragged
            else np.zeros((self.hosts, 2), int) for metric in metrics}
        is_whole = {metric.name: isinstance(metric, Counter) for metric in metrics}
        hosts = {}
        for host in range(self.hosts):
            baseline, after = {}, {}
            for metric, samples in series.items():
                row = samples[host].astype(int).tolist() if is_whole[metric] else samples[host].tolist()
                if is_missing is not None:
                    row = [None if gone else value for value, gone in zip(row, is_missing[metric][host], strict=True)]
                begin, end = width[metric][host]
                # Only what is there can be left out: a base line that begins later, a window that ends earlier.
                baseline[metric] = row[max(begin, 0) : self.before]
                after[metric] = row[self.before : self.samples + min(end, 0)]
            role = "canary" if self.is_canary[host] else "control"
            hosts[f"web{host + 1:03}"] = {"role": role, "baseline": baseline, "after": after}
        described = [
            {"name": metric.name, "kind": "gauge" if isinstance(metric, Gauge) else "counter", "worse": metric.worse}
            for metric in metrics]
        whole = {"case": name, "metrics": described, "hosts": hosts}
        return whole if self.interval == 5 else {**whole, "interval_s": self.interval}

    def _missing(self) -> dict[str, np.ndarray[Any, np.dtype[np.bool_]]] | None:
        """Which samples do not come, metric by metric; None: all do."""
        noise, random = self.noise, self.random
        if not noise.scattered and not noise.vanishing:
            return None
        gone = np.zeros((self.hosts, self.samples), bool)
        if random.random() < noise.vanishing:
            lost = random.permutation(self.hosts)[: int(random.integers(1, max(self.hosts // 10, 1) + 1))]
            for host in lost:
                gone[host, int(random.integers(self.samples)) :] = True
        names = [metric.name for metric in noise.metrics or USUAL_METRICS]
        return {name: gone | (random.random(gone.shape) < noise.scattered) for name in names}

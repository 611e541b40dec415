# SPDX-License-Identifier: Apache-2.0
"""What is moved through an image service, measured in turn with what the machine can do at best.

Each round of a transfer stands beside a round of its floor, so that both meet the machine in the same state.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import multiprocessing
import time
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

from benchmark import client
from benchmark import floors
from benchmark import processes
from benchmark.report import Row
from benchmark.report import Spread
from benchmark.report import quantile
from benchmark.workloads import Plan
from benchmark.workloads import Session

_OCTETS = 'application/octet-stream'
_MB = 1e6
_MIB = 1 << 20
#: Transfers at the same time, and the part of the size that each of them moves.
_BESIDE = 8
_SHARE = 4
#: Downloads that each of these clients makes, so that they last long enough to be watched.
_TIMES = 4
#: Seconds between two looks whether an import has ended: each look needs the processor that the import needs.
_LOOK = 0.05
#: Seconds between two requests of the probe.
_PACE = 0.02
#: The other store of the service, see ``tools/bench``.
OTHER_STORE = 'cheap'


@dataclasses.dataclass(slots=True)
class Measured:
    """Rounds of one transfer: of each the bytes, the seconds, the CPU seconds of the server, and the memory that it took."""

    size: int
    rounds: list[tuple[float, float, int]] = dataclasses.field(default_factory=list)

    def take(self, pids: set[int], work: Callable[[], object]) -> None:
        """Measure one round."""
        processes.forget_peak(pids)
        before, memory = processes.cpu_seconds(pids), processes.resident(pids)
        began = time.perf_counter()
        work()
        elapsed = time.perf_counter() - began
        self.rounds.append((elapsed, processes.cpu_seconds(pids) - before, processes.growth(pids, memory)))

    def row(self, service: str, workload: str, note: str = '') -> Row:
        """Return the figures."""
        figures = {
            'MB/s': Spread.of([self.size / seconds / _MB for seconds, _, _ in self.rounds]),
            'cpu s/GB': Spread.of([cpu / (self.size / 1e9) for _, cpu, _ in self.rounds]),
            'MiB more': Spread.of([grown / _MIB for _, _, grown in self.rounds]),
        }
        return Row(service, workload, figures, note)


def measure_data(sessions: Mapping[str, Session], plan: Plan, port: int) -> Iterator[Row]:
    """Measure an upload, a download and a download of half of it, beside hashing and nginx.

    :param port: that is free
    """
    found: dict[tuple[str, str], Measured] = {}

    def take(service: str, workload: str, size: int, pids: set[int], work: Callable[[], object]) -> None:
        found.setdefault((service, workload), Measured(size)).take(pids, work)

    with floors.static_file(plan.size, port) as static:
        for number in range(plan.rounds):
            take('floor', 'upload', plan.size, set(), lambda: floors.hash_all(plan.size))
            paths = {name: _upload(session, f'data-{number}', plan.size, take, name) for name, session in sessions.items()}
            for name, session in sessions.items():
                if static:
                    take('floor', 'download', plan.size, static.pids, static.download)
                    take('floor', 'range', plan.size // 2, static.pids, static.download_half)
                _download(session, paths[name], plan.size, take, name)
                session.target.call('DELETE', paths[name])
    notes = {'upload': 'md5 and sha512 beside each other', 'download': 'nginx, sendfile', 'range': 'nginx, sendfile'}
    for (service, workload), measured in found.items():
        yield measured.row(service, workload, notes[workload] if service == 'floor' else '')


def _upload(session: Session, name: str, size: int, take: Any, service: str) -> str:
    target = session.target
    path = f'/v2/images/{session.create(name)}'
    head = target.head('PUT', f'{path}/file', size, {'Content-Type': _OCTETS})
    with client.Connection(target.port) as link:
        take(service, 'upload', size, processes.serving(target.port), lambda: link.upload(head, size))
    return path


def _download(session: Session, path: str, size: int, take: Any, service: str) -> None:
    target, pids = session.target, processes.serving(session.target.port)
    part = {'Range': f'bytes={size // 4}-{size // 4 + size // 2 - 1}'}
    for workload, length, headers in (('download', size, {}), ('range', size // 2, part)):
        request = target.head('GET', f'{path}/file', 0, headers)
        with client.Connection(target.port) as link:
            take(service, workload, length, pids, lambda link=link, request=request: link.download(request))


def measure_import(service: str, session: Session) -> Iterator[Row]:
    """Measure how data is staged, and how long its import and a copy into another store take after that."""
    plan, target = session.plan, session.target
    pids = processes.serving(target.port)
    staged, imported, copied = Measured(plan.size), Measured(plan.size), Measured(plan.size)
    for number in range(plan.rounds):
        path = f'/v2/images/{session.create(f"import-{number}")}'
        head = target.head('PUT', f'{path}/stage', plan.size, {'Content-Type': _OCTETS})
        with client.Connection(target.port) as link:
            staged.take(pids, lambda link=link, head=head: link.upload(head, plan.size))
        imported.take(pids, lambda path=path: _import(session, path, {'name': 'glance-direct'}))
        if session.target.admin:
            while session.target.call('GET', path).get('os_glance_import_task'):
                time.sleep(0.01)
            copied.take(pids, lambda path=path: _import(session, path, {'name': 'copy-image'}, [OTHER_STORE]))
        target.call('DELETE', path)
    yield staged.row(service, 'stage')
    seconds = {'ms': Spread.of([elapsed * 1000 for elapsed, _, _ in imported.rounds])}
    yield Row(service, 'import', seconds, f'of {plan.size} bytes')
    if copied.rounds:
        yield copied.row(service, 'copy', 'into another file store, hashes compared')


def measure_fetch(service: str, session: Session, port: int) -> Iterator[Row]:
    """Measure imports by web-download from nginx on a free port of this machine; the service must be allowed to do that."""
    plan = session.plan
    measured, source, pids = Measured(plan.size), Measured(plan.size), processes.serving(session.target.port)
    with floors.static_file(plan.size, port) as static:
        if static is None:
            yield Row(service, 'fetch', note=floors.NO_NGINX)
            return
        for number in range(plan.rounds):
            path = f'/v2/images/{session.create(f"fetch-{number}")}'
            method = {'name': 'web-download', 'uri': static.url}
            work = functools.partial(_import, session, path, method)
            measured.take(pids, lambda work=work: source.take(static.pids, work))
            session.target.call('DELETE', path)
    yield measured.row(service, 'fetch')
    yield source.row('nginx', 'fetch', 'what it needs beside')


def _import(session: Session, path: str, method: dict[str, str], stores: list[str] | None = None) -> None:
    """Import data, and wait until it is there."""
    body = {'method': method, **({'stores': stores} if stores else {})}
    session.target.call('POST', f'{path}/import', body, **((session.target.admin or {}) if stores else {}))
    while True:
        image = session.target.call('GET', path)
        if image.get('os_glance_failed_import') or image['status'] == 'queued':
            raise RuntimeError(f'the import failed: {image}')
        if image['status'] == 'active' and not image.get('os_glance_importing_to_stores'):
            return
        time.sleep(_LOOK)


def measure_parallel(service: str, session: Session) -> Iterator[Row]:
    """Measure eight transfers at the same time, beside one alone, and how long a request takes meanwhile."""
    plan, port = session.plan, session.target.port
    show, pids = next(session.show()), processes.serving(port)
    for workload, times, prepare in (('8 uploads', 1, _uploads), ('8 downloads', _TIMES, _downloads)):
        found: dict[str, list[float]] = {'MB/s': [], 'times one': [], 'cpu s/GB': [], 'p50 ms': [], 'p99 ms': []}
        for _ in range(plan.rounds):
            paths = [f'/v2/images/{session.create("parallel")}' for _ in range(_BESIDE + 1)]
            alone, *jobs = prepare(session, paths, plan.size // _SHARE)
            single = _rate([alone], port, times, plan)
            before = processes.cpu_seconds(pids)
            with _probing(port, show) as latencies:
                together = _rate(jobs, port, times, plan)
            moved = plan.size // _SHARE * times * len(jobs)
            found['cpu s/GB'].append((processes.cpu_seconds(pids) - before) / (moved / 1e9))
            found['MB/s'].append(together)
            found['times one'].append(together / single)
            found['p50 ms'].append(quantile(latencies, 0.5) * 1000)
            found['p99 ms'].append(quantile(latencies, 0.99) * 1000)
            for path in paths:
                session.target.call('DELETE', path)
        figures = {name: Spread.of(values) for name, values in found.items()}
        yield Row(service, workload, figures, 'latencies: of show meanwhile')


#: The head of a request, and the bytes that go up after it.
Job = tuple[bytes, int]


def _uploads(session: Session, paths: list[str], size: int) -> list[Job]:
    heads = [session.target.head('PUT', f'{path}/file', size, {'Content-Type': _OCTETS}) for path in paths]
    return [(head, size) for head in heads]


def _downloads(session: Session, paths: list[str], size: int) -> list[Job]:
    """Return the downloads of one image by many."""
    for job in _uploads(session, paths[:1], size):
        _transfer(session.target.port, job, 1)
    return [(session.target.head('GET', f'{paths[0]}/file', 0), 0) for _ in paths]


def _rate(jobs: list[Job], port: int, times: int, plan: Plan) -> float:
    """Do all jobs at once, each in a process of its own; return millions of bytes per second."""
    with multiprocessing.get_context('fork').Pool(len(jobs)) as pool:
        pool.map(client.nothing, range(len(jobs)))
        began = time.perf_counter()
        pool.starmap(_transfer, [(port, job, times) for job in jobs], chunksize=1)
        elapsed = time.perf_counter() - began
    return plan.size // _SHARE * times * len(jobs) / elapsed / _MB


def _transfer(port: int, job: Job, times: int) -> None:
    head, size = job
    for _ in range(times):
        with client.Connection(port) as link:
            if size:
                link.upload(head, size)
            else:
                link.download(head)


@contextlib.contextmanager
def _probing(port: int, request: bytes) -> Iterator[list[float]]:
    """Lend a list that has, after the block, the seconds of requests that a process of its own made at a steady pace."""
    context = multiprocessing.get_context('fork')
    end, receiver = context.Event(), context.SimpleQueue()
    probe = context.Process(target=_probe, args=(port, request, end, receiver))
    probe.start()
    latencies: list[float] = []
    try:
        yield latencies
    finally:
        end.set()
        latencies.extend(receiver.get())
        probe.join()


def _probe(port: int, request: bytes, end: Any, found: Any) -> None:
    latencies = []
    with client.Connection(port) as link:
        while not end.wait(_PACE):
            began = time.perf_counter()
            link.exchange(request)
            latencies.append(time.perf_counter() - began)
    found.put(latencies)

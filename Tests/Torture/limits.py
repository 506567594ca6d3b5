"""The limits that a process can have (prlimit): open files, memory, the length of a file."""


def limits(places, generator):
    """For each place, some values of each limit, from far too little to what is enough."""
    values = {
        # With fewer the dynamic linker opens no library.
        "nofile": lambda: generator.randint(4, 60),
        "as": lambda: generator.randint(8, 900) << 20,
        "fsize": lambda: generator.choice((0, 1, 100, 4096, 20_000, 60_000, 200_000)),
        "stack": lambda: generator.randint(16, 4096) << 10,
    }
    return [(place, name, value()) for place in places for name, value in values.items() for _ in range(4)]

namespace Distributed.Environments.Tools;

/// <summary>How an agent's Python programs are kept in.</summary>
public enum PythonSandbox
{
    /// <summary>Namespaces of its own: no network, no files but the interpreter's library and a scratch space, no other processes; and limits.</summary>
    Isolated,

    /// <summary>Limits of time, memory, processes and file size only. A program can read what its user can, and use the network.</summary>
    LimitsOnly,
}

/// <summary>Bounds of a <see cref="PythonTool"/>.</summary>
public sealed record PythonToolOptions
{
    /// <summary>The interpreter, a path or a name on PATH. Option python.</summary>
    public string Interpreter { get; init; } = "python3";

    /// <summary>How programs are kept in. Option sandbox: isolated | limits-only.</summary>
    public PythonSandbox Sandbox { get; init; }

    /// <summary>Longest a program may run, from its first statement. Option program_time_limit_ms.</summary>
    public TimeSpan TimeLimit { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Most memory of a program in MiB, the interpreter's included. Option program_memory_mb.</summary>
    public int MemoryMegabytes { get; init; } = 256;

    /// <summary>Most a program's files may hold in MiB: all together if isolated, each if not. Option program_scratch_mb.</summary>
    public int ScratchMegabytes { get; init; } = 16;

    /// <summary>Longest reply; a program that prints more is ended.</summary>
    public int MostCharacters { get; init; } = 2000;

    /// <summary>Longest program.</summary>
    public int MostProgramCharacters { get; init; } = 20_000;

    /// <summary>Programs that run at once; others wait.</summary>
    public int MostAtOnce { get; init; } = Math.Max(1, Environment.ProcessorCount);

    /// <summary>Longest the interpreter may take to start, and a program to wait for its turn.</summary>
    public TimeSpan StartLimit { get; init; } = TimeSpan.FromSeconds(20);
}

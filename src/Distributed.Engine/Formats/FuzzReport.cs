namespace Distributed.Engine.Formats;

/// <summary>How long and from which seed malformed files are tried.</summary>
public sealed record FuzzOptions
{
    /// <summary>Inputs in all, shared out between the kinds of files.</summary>
    public int Inputs { get; init; } = 100_000;

    /// <summary>Seed of the mutations; the same seed tries the same inputs.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>One input in this many also goes through files on disk; 0 leaves the disk alone.</summary>
    public int OnDiskEvery { get; init; } = 50;

    /// <summary>An input that takes longer has hung.</summary>
    public TimeSpan Limit { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Most bytes that reading one input may allocate.</summary>
    public long MostBytes { get; init; } = 32 << 20;
}

/// <summary>What became of one kind of file.</summary>
/// <param name="Format">The file's name.</param>
/// <param name="Inputs">Inputs tried.</param>
/// <param name="Accepted">Still valid after the mutation.</param>
/// <param name="Refused">Refused in one line that names the file.</param>
/// <param name="Slowest">The longest one took.</param>
/// <param name="MostBytes">The most one allocated.</param>
public sealed record FuzzTally(string Format, int Inputs, int Accepted, int Refused, TimeSpan Slowest, long MostBytes);

/// <summary>An input that did something else than be accepted or refused.</summary>
/// <param name="Format">The file's name.</param>
/// <param name="Number">Number of the input, from 0.</param>
/// <param name="What">What it did.</param>
/// <param name="Input">The bytes, base64.</param>
public sealed record FuzzFailure(string Format, int Number, string What, string Input);

/// <summary>Outcome of <see cref="FormatFuzzer"/>.</summary>
/// <param name="Tallies">Per kind of file.</param>
/// <param name="FailureCount">Inputs that did something else than be accepted or refused.</param>
/// <param name="Failures">The first of them.</param>
public sealed record FuzzReport(IReadOnlyList<FuzzTally> Tallies, int FailureCount, IReadOnlyList<FuzzFailure> Failures)
{
    /// <summary>Inputs in all.</summary>
    public int Inputs => Tallies.Sum(tally => tally.Inputs);

    /// <summary>Whether every input was accepted or refused as it must be.</summary>
    public bool Passed => FailureCount == 0;
}

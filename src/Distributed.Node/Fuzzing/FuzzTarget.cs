namespace Distributed.Node.Fuzzing;

/// <summary>A reader that broken input is put through.</summary>
/// <param name="Kind">Its name on the command line.</param>
/// <param name="Seeds">Good inputs to break.</param>
/// <param name="Read">Reads an input and uses what it read.</param>
/// <param name="IsRefusal">Whether an exception is the reader's own way to refuse.</param>
internal sealed record FuzzTarget(string Kind, IReadOnlyList<byte[]> Seeds, Action<byte[]> Read, Func<Exception, bool> IsRefusal);

/// <summary>What came of the inputs of one kind.</summary>
internal sealed class FuzzOutcome(string kind)
{
    private const int MostFailures = 20;

    private readonly List<string> _failures = [];

    public string Kind => kind;

    public int Inputs { get; set; }

    public int Accepted { get; set; }

    public int Refused { get; set; }

    /// <summary>Exceptions that are no refusals, inputs that took too long, inputs that took too much memory, messages of several lines.</summary>
    public int Failed { get; private set; }

    public TimeSpan Slowest { get; set; }

    public long MostBytes { get; set; }

    /// <summary>The first failures, one line each.</summary>
    public IReadOnlyList<string> Failures => _failures;

    public void AddFailure(int index, string what)
    {
        Failed++;
        if (_failures.Count < MostFailures)
            _failures.Add($"{kind} input {index}: {what.ReplaceLineEndings(" ")}");
    }
}

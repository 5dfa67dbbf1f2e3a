using System.Runtime.InteropServices;

namespace Distributed.Engine.Torch.Hosting;

/// <summary>How much one pass may hold. When the device's memory runs out, what was tried is split and the smaller size is kept from then on.</summary>
/// <param name="most">The first limit.</param>
/// <param name="what">What is counted, for people.</param>
/// <param name="say">Takes the line that says so.</param>
internal sealed class PassLimit(int most, string what, Action<string>? say)
{
    private bool _said;

    /// <summary>The limit now; never 0.</summary>
    public int Most { get; private set; } = most;

    /// <summary>Called before work of a size is done; tests let it run out of memory.</summary>
    public Action<int>? Before { get; set; }

    /// <summary>Whether an error is the device's "out of memory".</summary>
    public static bool IsOutOfMemory(Exception error) =>
        error is OutOfMemoryException || error is ExternalException && error.Message.Contains("out of memory", StringComparison.OrdinalIgnoreCase);

    /// <summary>Notes that memory ran out at a size. False if it cannot be split: it was one thing alone.</summary>
    /// <param name="tried">The size that was too much.</param>
    /// <param name="least">The size of the largest thing that cannot be split.</param>
    public bool Halve(int tried, int least)
    {
        if (tried <= least)
            return false;
        Most = Math.Max(least, Math.Min(Most, tried) / 2);
        if (!_said)
            say?.Invoke($"the device's memory ran out at {tried:N0} {what}; going on with at most {Most:N0} at a time");
        _said = true;
        return true;
    }
}

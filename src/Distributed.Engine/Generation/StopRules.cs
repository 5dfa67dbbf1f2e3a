using Distributed.Ports;

namespace Distributed.Engine.Generation;

/// <summary>Stop rules by their strings: an agent asks with the same few strings again and again. Safe to use from several threads.</summary>
internal sealed class StopRules(ITokenizer tokenizer, int vocabulary)
{
    private const int MostKept = 16;

    private readonly object _gate = new();
    private readonly List<(string[] Stops, StopRule Rule)> _kept = [];

    /// <summary>The rule for a set of stop strings.</summary>
    public StopRule For(IReadOnlyList<string> stops)
    {
        lock (_gate)
        {
            foreach (var (known, rule) in _kept)
            {
                if (known.AsSpan().SequenceEqual([.. stops]))
                    return rule;
            }
        }

        var made = new StopRule(tokenizer, stops, vocabulary);
        lock (_gate)
        {
            if (_kept.Count == MostKept)
                _kept.RemoveAt(0);
            _kept.Add(([.. stops], made));
        }

        return made;
    }
}

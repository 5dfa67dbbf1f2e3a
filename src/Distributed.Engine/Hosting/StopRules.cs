using Distributed.Engine.Generation;
using Distributed.Ports;

namespace Distributed.Engine.Hosting;

/// <summary>The stop rules in use, by their strings: an environment asks for the same few over and over. Safe to use from several threads.</summary>
internal sealed class StopRules(ITokenizer tokenizer, int vocabulary)
{
    private const int Kept = 16;
    private readonly Lock _gate = new();
    private readonly LinkedList<(string[] Stops, StopRule Rule)> _rules = new();

    /// <summary>The rule for these strings.</summary>
    public StopRule For(IReadOnlyList<string> stops)
    {
        lock (_gate)
        {
            foreach (var (known, rule) in _rules)
                if (known.AsSpan().SequenceEqual([.. stops])) return rule;
            string[] usable = [.. stops.Where(stop => stop.Length > 0)]; // an empty one is refused with the request
            var made = new StopRule(tokenizer, usable, vocabulary);
            _rules.AddFirst(([.. stops], made));
            if (_rules.Count > Kept) _rules.RemoveLast();
            return made;
        }
    }
}

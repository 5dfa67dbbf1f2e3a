using System.Text;
using Distributed.Ports;

namespace Distributed.Engine.Generation;

/// <summary>Tells whether newly sampled text ends with one of a set of stop strings.</summary>
/// <remarks>
/// Decoding after every token would be the costly part, so it is settled in advance which tokens can complete a stop string at all;
/// most stop strings of agents are one token, and then nothing is ever decoded except that token's own end of a turn.
/// </remarks>
internal sealed class StopRule
{
    private enum Ending : byte
    {
        /// <summary>Text that ends with this token cannot end with a stop string.</summary>
        No,

        /// <summary>It may, depending on the tokens before.</summary>
        Perhaps,

        /// <summary>It does.</summary>
        Yes,

        /// <summary>The token has no text of its own, so what is before it counts.</summary>
        Silent,
    }

    private readonly ITokenizer _tokenizer;
    private readonly string[] _stops;
    private readonly Ending[] _endings;
    private readonly int _tail;

    /// <summary>Prepares the rule for a vocabulary.</summary>
    /// <param name="tokenizer">Decodes tokens.</param>
    /// <param name="stops">Stop strings, none of them empty.</param>
    /// <param name="vocabulary">Number of ids the model can sample.</param>
    public StopRule(ITokenizer tokenizer, IReadOnlyList<string> stops, int vocabulary)
    {
        _tokenizer = tokenizer;
        _stops = [.. stops];
        _endings = new Ending[vocabulary];
        _tail = _stops.Length == 0 ? 0 : _stops.Max(Encoding.UTF8.GetByteCount) + 4;
        for (var token = 0; token < vocabulary && _stops.Length > 0; token++)
            _endings[token] = Judge(tokenizer.Decode([token]));
    }

    /// <summary>True if the text of the tokens ends with a stop string.</summary>
    public bool IsMet(ReadOnlySpan<int> sampled)
    {
        if (_stops.Length == 0 || sampled.Length == 0)
            return false;

        return _endings[sampled[^1]] switch
        {
            Ending.No => false,
            Ending.Yes => true,
            _ => EndsWithStop(Tail(sampled)),
        };
    }

    // Every token but a silent one adds at least a byte, so few tokens decide; a tail that begins inside a character only spoils its first one.
    private ReadOnlySpan<int> Tail(ReadOnlySpan<int> sampled)
    {
        if (sampled.Length <= _tail)
            return sampled;

        var tail = sampled[^_tail..];
        foreach (var token in tail)
        {
            if (_endings[token] == Ending.Silent)
                return sampled;
        }

        return tail;
    }

    private bool EndsWithStop(ReadOnlySpan<int> tokens)
    {
        var text = _tokenizer.Decode(tokens);
        foreach (var stop in _stops)
        {
            if (text.EndsWith(stop, StringComparison.Ordinal))
                return true;
        }

        return false;
    }

    private Ending Judge(string text)
    {
        if (text.Length == 0)
            return Ending.Silent;

        var ending = Ending.No;
        foreach (var stop in _stops)
        {
            if (text.EndsWith(stop, StringComparison.Ordinal))
                return Ending.Yes;

            // A replacement character may be the last part of a character of the stop string.
            if (text.Contains('\ufffd') || stop.EndsWith(text, StringComparison.Ordinal))
                ending = Ending.Perhaps;
        }

        return ending;
    }
}

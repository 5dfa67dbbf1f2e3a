using System.Globalization;
using System.Text;

namespace Distributed.Engine.Tokenizers;

/// <summary>A set of code points, as a regular expression names it: single ones, ranges, general categories, white space, and all else.</summary>
internal sealed class CharacterSet
{
    private static readonly string[] CategoryNames =
    [
        "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po",
        "Sm", "Sc", "Sk", "So", "Cn",
    ];

    private readonly List<(int First, int Last)> _ranges = [];
    private readonly bool[] _ascii = new bool[128];
    private uint _categories;
    private bool _space;
    private bool _notSpace;
    private bool _negated;

    /// <summary>Adds a range of code points.</summary>
    public CharacterSet Add(int first, int last)
    {
        _ranges.Add((first, last));
        return this;
    }

    /// <summary>Adds white space, or everything else.</summary>
    public CharacterSet AddSpace(bool negated)
    {
        (_space, _notSpace) = (_space || !negated, _notSpace || negated);
        return this;
    }

    /// <summary>Adds a general category of one or two letters; false if there is none of that name.</summary>
    public bool TryAddCategory(string name, bool negated)
    {
        var mask = 0u;
        for (var i = 0; i < CategoryNames.Length; i++)
            if (name.Length is 1 or 2 && CategoryNames[i].StartsWith(name, StringComparison.Ordinal))
                mask |= 1u << i;
        _categories |= negated ? ~mask : mask;
        return mask != 0;
    }

    /// <summary>Call once, last: turns the set around or not and makes it ready.</summary>
    public CharacterSet Close(bool negated)
    {
        _negated = negated;
        for (var value = 0; value < _ascii.Length; value++)
            _ascii[value] = Holds(new Rune(value)) != negated;
        return this;
    }

    /// <summary>Length of the code point at a place if it is in the set, else 0.</summary>
    public int Match(ReadOnlySpan<char> text, int at)
    {
        if (at >= text.Length)
            return 0;
        if (text[at] < 128)
            return _ascii[text[at]] ? 1 : 0;
        Rune.DecodeFromUtf16(text[at..], out var rune, out var length);
        return Holds(rune) != _negated ? length : 0;
    }

    private bool Holds(Rune rune)
    {
        if ((_categories & (1u << (int)Rune.GetUnicodeCategory(rune))) != 0)
            return true;
        if ((_space || _notSpace) && (Rune.IsWhiteSpace(rune) ? _space : _notSpace))
            return true;
        foreach (var (first, last) in _ranges)
            if (rune.Value >= first && rune.Value <= last)
                return true;
        return false;
    }
}

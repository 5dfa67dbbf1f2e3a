using System.Globalization;

namespace Distributed.Engine.Tokenizers;

/// <summary>A pattern that is not supported: what and where in it.</summary>
internal sealed class PatternException(string complaint) : Exception(complaint);

/// <summary>
/// Reads the part of regular expressions that pre-tokenizers are written in: alternatives, groups, <c>(?i:...)</c>, lookahead, sets, general
/// categories, white space, and repetition of single characters.
/// </summary>
internal sealed class PatternParser
{
    private const int LongestPattern = 4_096;
    private const int MostRepeats = 1_000;
    private const int Deepest = 32;

    private readonly string _pattern;
    private int _at;
    private int _depth;

    private PatternParser(string pattern) => _pattern = pattern;

    // Builds a step, given what follows it.
    private delegate PatternNode Build(PatternNode next);

    /// <exception cref="PatternException">It is not a pattern, or uses something else.</exception>
    public static PatternNode Read(string pattern)
    {
        if (pattern.Length > LongestPattern)
            throw new PatternException($"longer than {LongestPattern} characters");
        var parser = new PatternParser(pattern);
        var build = parser.Alternatives(ignoreCase: false);
        return parser._at == pattern.Length ? build(new AcceptNode()) : throw parser.Fail("')' closes nothing");
    }

    private bool AtEnd => _at == _pattern.Length;

    private Build Alternatives(bool ignoreCase)
    {
        if (++_depth > Deepest)
            throw Fail($"more than {Deepest} groups inside each other");
        var ways = new List<Build> { Sequence(ignoreCase) };
        while (TryTake("|"))
            ways.Add(Sequence(ignoreCase));
        _depth--;
        return ways.Count == 1 ? ways[0] : next => new ChoiceNode([.. ways.Select(way => way(next))]);
    }

    private Build Sequence(bool ignoreCase)
    {
        var items = new List<Build>();
        while (!AtEnd && _pattern[_at] is not ('|' or ')'))
            items.Add(Item(ignoreCase));
        return next =>
        {
            for (var i = items.Count - 1; i >= 0; i--)
                next = items[i](next);
            return next;
        };
    }

    private Build Item(bool ignoreCase)
    {
        if (_pattern[_at] == '(')
            return Group(ignoreCase);
        if (_pattern[_at] is '.' or '^' or '$' or '*' or '+' or '?' or '{')
            throw Fail($"'{_pattern[_at]}' is not supported here");
        var set = _pattern[_at] == '[' ? Set(ignoreCase) : One(ignoreCase);
        var (least, most) = Repeats();
        var possessive = (least, most) != (1, 1) && TryTake("+");
        if ((least, most) != (1, 1) && !AtEnd && _pattern[_at] == '?')
            throw Fail("lazy repetition is not supported");
        return next => new RepeatNode(set, least, most, possessive, next);
    }

    private Build Group(bool ignoreCase)
    {
        _at++;
        var kind = TryTake("?:") ? ':' : TryTake("?i:") ? 'i' : TryTake("?!") ? '!' : TryTake("?=") ? '=' : '(';
        if (kind == '(' && !AtEnd && _pattern[_at] == '?')
            throw Fail("this kind of group is not supported");
        var body = Alternatives(ignoreCase || kind == 'i');
        if (!TryTake(")"))
            throw Fail("a group does not end");
        if (kind is '!' or '=')
            return next => new LookaheadNode(body(new AcceptNode()), kind == '!', next);
        if (TryTake("?"))
            return next => new ChoiceNode([body(next), next]);
        return !AtEnd && _pattern[_at] is '*' or '+' or '{' ? throw Fail("repeated groups are not supported") : body;
    }

    private CharacterSet One(bool ignoreCase)
    {
        var set = new CharacterSet();
        AddOne(set, ignoreCase);
        return set.Close(negated: false);
    }

    private CharacterSet Set(bool ignoreCase)
    {
        _at++;
        var negated = TryTake("^");
        var set = new CharacterSet();
        var first = true;
        while (first || !AtEnd && _pattern[_at] != ']')
        {
            first = false;
            if (AtEnd || _pattern[_at] == '[' || _pattern.AsSpan(_at).StartsWith("&&"))
                throw Fail(AtEnd ? "a set does not end" : "sets of sets are not supported");
            AddOne(set, ignoreCase, inSet: true);
        }

        if (AtEnd)
            throw Fail("a set does not end");
        _at++;
        return set.Close(negated);
    }

    /// <summary>Adds the character, escape or range that stands here.</summary>
    private void AddOne(CharacterSet set, bool ignoreCase, bool inSet = false)
    {
        if (TryAddClass(set))
            return;
        var first = Character();
        var last = first;
        if (inSet && _at + 1 < _pattern.Length && _pattern[_at] == '-' && _pattern[_at + 1] != ']')
        {
            _at++;
            last = Character();
            if (last < first)
                throw Fail("a range that goes backwards");
        }

        set.Add(first, last);
        if (ignoreCase)
            AddOtherCases(set, first, last);
    }

    // Under (?i:) an expression engine takes characters whose case folding is equal.
    private void AddOtherCases(CharacterSet set, int first, int last)
    {
        if (last - first > 0x100)
            throw Fail("a range this long does not go with (?i:");
        for (var value = first; value <= last; value++)
        {
            if (!System.Text.Rune.IsValid(value))
                continue;
            var rune = new System.Text.Rune(value);
            foreach (var other in (ReadOnlySpan<System.Text.Rune>)[System.Text.Rune.ToLowerInvariant(rune), System.Text.Rune.ToUpperInvariant(rune)])
                set.Add(other.Value, other.Value);
            if ((value | 0x20) is 's' or 'k' && value < 128)
                set.Add((value | 0x20) == 's' ? 0x17F : 0x212A, (value | 0x20) == 's' ? 0x17F : 0x212A);
        }
    }

    private bool TryAddClass(CharacterSet set)
    {
        if (_pattern[_at] != '\\' || _at + 1 == _pattern.Length)
            return false;
        switch (_pattern[_at + 1])
        {
            case 's' or 'S':
                set.AddSpace(_pattern[_at + 1] == 'S');
                break;
            case 'd' or 'D':
                set.TryAddCategory("Nd", _pattern[_at + 1] == 'D');
                break;
            case 'p' or 'P':
                var close = _pattern.IndexOf('}', _at);
                if (_at + 2 >= _pattern.Length || _pattern[_at + 2] != '{' || close < 0)
                    throw Fail("expected \\p{...}");
                var name = _pattern[(_at + 3)..close];
                var negated = _pattern[_at + 1] == 'P' != name.StartsWith('^');
                if (!set.TryAddCategory(name.TrimStart('^'), negated))
                    throw Fail($"the category '{name}' is not supported; there are general categories as L, Lu, N, P");
                _at = close - 1;
                break;
            default:
                return false;
        }

        _at += 2;
        return true;
    }

    private int Character()
    {
        if (AtEnd)
            throw Fail("the pattern ends too early");
        if (_pattern[_at] != '\\')
        {
            System.Text.Rune.DecodeFromUtf16(_pattern.AsSpan(_at), out var rune, out var length);
            _at += length;
            return rune.Value;
        }

        if (++_at == _pattern.Length)
            throw Fail("the pattern ends too early");
        var escape = _pattern[_at++];
        return escape switch
        {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'f' => '\f',
            'v' => '\v',
            'u' => Hex(4),
            'x' => Hex(2),
            _ when char.IsAsciiLetterOrDigit(escape) => throw Fail($"\\{escape} is not supported"),
            _ => escape,
        };
    }

    private int Hex(int digits)
    {
        if (_at + digits > _pattern.Length || !int.TryParse(_pattern.AsSpan(_at, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
            throw Fail("expected hexadecimal digits");
        _at += digits;
        return value;
    }

    private (int Least, int Most) Repeats()
    {
        if (TryTake("*"))
            return (0, int.MaxValue);
        if (TryTake("+"))
            return (1, int.MaxValue);
        if (TryTake("?"))
            return (0, 1);
        if (AtEnd || _pattern[_at] != '{')
            return (1, 1);
        var close = _pattern.IndexOf('}', _at);
        var bounds = close < 0 ? [] : _pattern[(_at + 1)..close].Split(',');
        if (bounds.Length is < 1 or > 2 || !int.TryParse(bounds[0], NumberStyles.None, CultureInfo.InvariantCulture, out var least) || least > MostRepeats)
            throw Fail($"expected {{n}}, {{n,}} or {{n,m}} up to {MostRepeats}");
        var most = least;
        if (bounds.Length == 2 && bounds[1].Length == 0)
            most = int.MaxValue;
        else if (bounds.Length == 2 && (!int.TryParse(bounds[1], NumberStyles.None, CultureInfo.InvariantCulture, out most) || most < least || most > MostRepeats))
            throw Fail($"expected {{n}}, {{n,}} or {{n,m}} up to {MostRepeats}");
        _at = close + 1;
        return (least, most);
    }

    private bool TryTake(string text)
    {
        if (!_pattern.AsSpan(_at).StartsWith(text))
            return false;
        _at += text.Length;
        return true;
    }

    private PatternException Fail(string complaint) => new(string.Create(CultureInfo.InvariantCulture, $"at character {_at + 1}: {complaint}"));
}

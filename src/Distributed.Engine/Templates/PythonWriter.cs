using System.Globalization;
using System.Numerics;
using System.Text;

namespace Distributed.Engine.Templates;

/// <summary>Writes values as Python does: str, repr and json.dumps.</summary>
internal sealed class PythonWriter(Rendering rendering, TemplatePlace at)
{
    private const int Reserve = 4096;

    private readonly StringBuilder _text = new();
    private int _depth;
    private int _charged;

    public string Str(object? value)
    {
        switch (value)
        {
            case Undefined:
                return "";
            case string text:
                return text;
            default:
                Repr(value);
                return _text.ToString();
        }
    }

    /// <summary>json.dumps.</summary>
    /// <param name="value">What to write.</param>
    /// <param name="options">Its keyword arguments.</param>
    public string Json(object? value, JsonStyle options)
    {
        Json(value, options, 0);
        return _text.ToString();
    }

    private void Repr(object? value)
    {
        Grow();
        switch (value)
        {
            case null: _text.Append("None"); break;
            case bool flag: _text.Append(flag ? "True" : "False"); break;
            case BigInteger whole: _text.Append(Whole(whole)); break;
            case double number: _text.Append(PythonText.Float(number)); break;
            case string text: ReprText(text); break;
            case Undefined: _text.Append("Undefined"); break;
            case object?[] list:
                Nest('[', ']', list, Repr);
                break;
            case TemplateMap map:
                Nest('{', '}', map.Members, member =>
                {
                    ReprText(member.Key);
                    _text.Append(": ");
                    Repr(member.Value);
                });
                break;
            default:
                throw rendering.Fail(at, $"{Rendering.Kind(value)} cannot be printed");
        }
    }

    private void Nest<T>(char open, char close, IEnumerable<T> items, Action<T> write)
    {
        Deepen();
        _text.Append(open);
        var first = true;
        foreach (var item in items)
        {
            _text.Append(first ? "" : ", ");
            first = false;
            write(item);
        }

        _text.Append(close);
        _depth--;
    }

    private void ReprText(string text)
    {
        var quote = text.Contains('\'') && !text.Contains('"') ? '"' : '\'';
        _text.Append(quote);
        foreach (var rune in text.EnumerateRunes())
        {
            Grow();
            switch (rune.Value)
            {
                case '\\': _text.Append("\\\\"); break;
                case '\n': _text.Append("\\n"); break;
                case '\r': _text.Append("\\r"); break;
                case '\t': _text.Append("\\t"); break;
                case var value when value == quote: _text.Append('\\').Append(quote); break;
                case ' ': _text.Append(' '); break;
                case var value when !IsPrintable(rune):
                    _text.Append(CultureInfo.InvariantCulture, $"\\{(value < 0x100 ? $"x{value:x2}" : value < 0x10000 ? $"u{value:x4}" : $"U{value:x8}")}");
                    break;
                default: _text.Append(rune); break;
            }
        }

        _text.Append(quote);
    }

    private static bool IsPrintable(Rune rune) => Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator);

    private void Json(object? value, JsonStyle style, int level)
    {
        Grow();
        switch (value)
        {
            case null: _text.Append("null"); break;
            case bool flag: _text.Append(flag ? "true" : "false"); break;
            case BigInteger whole: _text.Append(Whole(whole)); break;
            case double number:
                _text.Append(double.IsNaN(number) ? "NaN" : double.IsInfinity(number) ? number > 0 ? "Infinity" : "-Infinity" : PythonText.Float(number));
                break;
            case string text: JsonText(text, style.AsciiOnly); break;
            case object?[] list:
                NestJson('[', ']', list, list.Length, style, level, item => Json(item, style, level + 1));
                break;
            case TemplateMap map:
                var members = style.SortsKeys ? map.Members.Order(Comparer<KeyValuePair<string, object?>>.Create((a, b) => PythonText.Compare(a.Key, b.Key))) : map.Members;
                NestJson('{', '}', members, map.Count, style, level, member =>
                {
                    JsonText(member.Key, style.AsciiOnly);
                    _text.Append(style.KeySeparator);
                    Json(member.Value, style, level + 1);
                });
                break;
            case Undefined missing:
                throw rendering.Fail(at, $"tojson: {missing.Why}");
            default:
                throw rendering.Fail(at, $"tojson: {Rendering.Kind(value)} cannot be written as JSON");
        }
    }

    private void NestJson<T>(char open, char close, IEnumerable<T> items, int count, JsonStyle style, int level, Action<T> write)
    {
        Deepen();
        _text.Append(open);
        var first = true;
        foreach (var item in items)
        {
            _text.Append(first ? "" : style.ItemSeparator);
            first = false;
            Break(style, level + 1);
            write(item);
        }

        if (count > 0)
            Break(style, level);
        _text.Append(close);
        _depth--;
    }

    private void Break(JsonStyle style, int level)
    {
        if (style.Indent is { } indent)
        {
            _text.Append('\n');
            for (var i = 0; i < level; i++)
                _text.Append(indent);
        }
    }

    private void JsonText(string text, bool asciiOnly)
    {
        _text.Append('"');
        foreach (var character in text)
        {
            Grow();
            switch (character)
            {
                case '"': _text.Append("\\\""); break;
                case '\\': _text.Append("\\\\"); break;
                case '\b': _text.Append("\\b"); break;
                case '\f': _text.Append("\\f"); break;
                case '\n': _text.Append("\\n"); break;
                case '\r': _text.Append("\\r"); break;
                case '\t': _text.Append("\\t"); break;
                case < ' ': _text.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}"); break;
                case > '~' when asciiOnly: _text.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}"); break;
                default: _text.Append(character); break;
            }
        }

        _text.Append('"');
    }

    private static string Whole(BigInteger value) => value.ToString(CultureInfo.InvariantCulture);

    private void Deepen()
    {
        if (++_depth > rendering.Limits.ValueDepth)
            throw rendering.Fail(at, $"a value of more than {rendering.Limits.ValueDepth} lists and dicts inside each other");
    }

    // Called at least once for a few characters written, so that the text never runs far ahead of what was charged.
    private void Grow()
    {
        if (_text.Length < _charged)
            return;
        rendering.Charge((long)_text.Length + Reserve > rendering.Limits.Output ? long.MaxValue : _text.Length - _charged + Reserve, at);
        _charged = _text.Length + Reserve;
    }
}

/// <summary>Keyword arguments of json.dumps.</summary>
internal sealed record JsonStyle(string? Indent, bool AsciiOnly, bool SortsKeys, string ItemSeparator, string KeySeparator);

using System.Collections.ObjectModel;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace Distributed.Engine.Templates;

/// <summary>What stands behind a <c>|</c>.</summary>
internal delegate object? Filter(object? value, Arguments arguments, Rendering rendering, TemplatePlace at);

/// <summary>The filters, by name.</summary>
internal static class Filters
{
    public static ReadOnlyDictionary<string, Filter> All { get; } = new Dictionary<string, Filter>
    {
        ["tojson"] = ToJson,
        ["length"] = Length,
        ["count"] = Length,
        ["trim"] = (value, arguments, rendering, at) => PythonText.Strip(rendering.Text(value, at), Call("trim", arguments, rendering, at).OptionalText(0, "chars"), true, true),
        ["string"] = (value, _, rendering, at) => rendering.Text(value, at),
        ["safe"] = (value, _, _, _) => value,
        ["upper"] = (value, _, rendering, at) => rendering.Text(value, at).ToUpperInvariant(),
        ["lower"] = (value, _, rendering, at) => rendering.Text(value, at).ToLowerInvariant(),
        ["capitalize"] = (value, _, rendering, at) => Capitalize(rendering.Text(value, at)),
        ["title"] = (value, _, rendering, at) => CapitalizeWords(rendering.Text(value, at)),
        ["list"] = (value, _, rendering, at) => rendering.Items(value, at),
        ["first"] = (value, _, rendering, at) => rendering.Items(value, at) is [var first, ..] ? first : new Undefined("there is no first item"),
        ["last"] = (value, _, rendering, at) => rendering.Items(value, at) is [.., var last] ? last : new Undefined("there is no last item"),
        ["reverse"] = (value, _, rendering, at) => Subscripts.Slice(value is string ? value : rendering.Items(value, at), null, null, -1, rendering, at),
        ["items"] = Items,
        ["default"] = Default,
        ["d"] = Default,
        ["join"] = (value, arguments, rendering, at) =>
            JoinItems(value, Call("join", arguments, rendering, at).OptionalText(0, "d") ?? "", mustBeText: false, rendering, at),
        ["replace"] = (value, arguments, rendering, at) =>
        {
            var call = Call("replace", arguments, rendering, at);
            return Replace(rendering.Text(value, at), call.Text(0, "old"), call.Text(1, "new"), call.OptionalWhole(2, "count") ?? -1, rendering, at);
        },
        ["int"] = Whole,
        ["abs"] = (value, _, rendering, at) => Operators.Number(value) switch
        {
            BigInteger whole => BigInteger.Abs(whole),
            double number => Math.Abs(number),
            _ => throw rendering.Fail(at, $"abs does not work on {Rendering.Kind(value)}"),
        },
        ["map"] = Map,
        ["selectattr"] = (value, arguments, rendering, at) => Select(value, arguments, true, rendering, at),
        ["rejectattr"] = (value, arguments, rendering, at) => Select(value, arguments, false, rendering, at),
    }.AsReadOnly();

    public static string Capitalize(string text) => text.Length == 0 ? text : text[..1].ToUpperInvariant() + text[1..].ToLowerInvariant();

    /// <summary>str.title: a capital wherever letters begin.</summary>
    public static string Title(string text)
    {
        var title = new StringBuilder(text.Length);
        var inside = false;
        foreach (var character in text)
        {
            title.Append(inside ? char.ToLowerInvariant(character) : char.ToUpperInvariant(character));
            inside = char.IsLetter(character);
        }

        return title.ToString();
    }

    // The filter's words, unlike the method's, begin only after white space, hyphens and opening brackets.
    private static string CapitalizeWords(string text)
    {
        var title = new StringBuilder(text.Length);
        var inside = false;
        foreach (var character in text)
        {
            title.Append(inside ? char.ToLowerInvariant(character) : char.ToUpperInvariant(character));
            inside = !PythonText.IsSpace(character) && character is not ('-' or '(' or '{' or '[' or '<');
        }

        return title.ToString();
    }

    public static string Replace(string text, string old, string with, int most, Rendering rendering, TemplatePlace at)
    {
        if (most == 0)
            return text;
        if (old.Length == 0)
            throw rendering.Fail(at, "replace needs something to replace");
        var count = most < 0 ? text.AsSpan().Count(old) : Math.Min(most, text.AsSpan().Count(old));
        rendering.Charge(text.Length + (count * (long)Math.Max(0, with.Length - old.Length)), at);
        var made = new StringBuilder();
        var from = 0;
        for (; count > 0; count--)
        {
            var next = text.IndexOf(old, from, StringComparison.Ordinal);
            made.Append(text, from, next - from).Append(with);
            from = next + old.Length;
        }

        return made.Append(text, from, text.Length - from).ToString();
    }

    public static string JoinItems(object? value, string separator, bool mustBeText, Rendering rendering, TemplatePlace at)
    {
        var joined = new StringBuilder();
        foreach (var (index, item) in rendering.Items(value, at).Index())
        {
            if (mustBeText && item is not string)
                throw rendering.Fail(at, $"join needs strings, not {Rendering.Kind(item)}");
            var text = rendering.Text(item, at);
            rendering.Charge((long)joined.Length + text.Length + separator.Length > rendering.Limits.Output ? long.MaxValue : text.Length + separator.Length, at);
            joined.Append(index > 0 ? separator : "").Append(text);
        }

        return joined.ToString();
    }

    private static MethodCall Call(string name, Arguments arguments, Rendering rendering, TemplatePlace at) => new(name, arguments, rendering, at);

    private static object? ToJson(object? value, Arguments arguments, Rendering rendering, TemplatePlace at)
    {
        arguments.TryGet(0, "indent", out var indent);
        arguments.TryGet(4, "ensure_ascii", out var ascii);
        arguments.TryGet(4, "sort_keys", out var sorts);
        if (arguments.Positional.Length > 1 || arguments.Named.FirstOrDefault(entry => entry.Key is not ("indent" or "ensure_ascii" or "sort_keys")).Key is { } other && other is not null)
            throw rendering.Fail(at, "tojson takes indent, ensure_ascii and sort_keys only");
        var step = indent switch
        {
            null => null,
            string text => text,
            _ when Operators.Number(indent) is BigInteger whole && whole <= 64 => new string(' ', (int)BigInteger.Max(0, whole)),
            _ => throw rendering.Fail(at, "tojson's indent is a number up to 64 or a string"),
        };
        // json.dumps leaves the space after an item's comma away when it breaks lines.
        return new PythonWriter(rendering, at).Json(value, new JsonStyle(step, Rendering.IsTrue(ascii), Rendering.IsTrue(sorts), step is null ? ", " : ",", ": "));
    }

    private static object? Length(object? value, Arguments arguments, Rendering rendering, TemplatePlace at) => value switch
    {
        Undefined => BigInteger.Zero,
        string text => new BigInteger(PythonText.Length(text)),
        object?[] list => new BigInteger(list.Length),
        TemplateMap map => new BigInteger(map.Count),
        _ => throw rendering.Fail(at, $"{Rendering.Kind(value)} has no length"),
    };

    private static object? Items(object? value, Arguments arguments, Rendering rendering, TemplatePlace at) => value switch
    {
        Undefined => Array.Empty<object?>(),
        TemplateMap map => Methods.Call(new BoundMethod(map, "items"), Arguments.None, rendering, at),
        _ => throw rendering.Fail(at, $"items works on a dict, not on {Rendering.Kind(value)}"),
    };

    private static object? Default(object? value, Arguments arguments, Rendering rendering, TemplatePlace at)
    {
        arguments.TryGet(1, "boolean", out var falsyToo);
        return value is Undefined || Rendering.IsTrue(falsyToo) && !Rendering.IsTrue(value)
            ? arguments.TryGet(0, "default_value", out var otherwise) ? otherwise : ""
            : value;
    }

    private static object? Whole(object? value, Arguments arguments, Rendering rendering, TemplatePlace at) => value switch
    {
        double number when double.IsFinite(number) => new BigInteger(Math.Truncate(number)),
        string { Length: <= 400 } text when BigInteger.TryParse(text.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) => whole,
        string { Length: <= 400 } text when double.TryParse(text.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) => new BigInteger(Math.Truncate(number)),
        _ => Operators.Number(value) is BigInteger given ? given : arguments.TryGet(0, "default", out var otherwise) ? otherwise : BigInteger.Zero,
    };

    private static object? Map(object? value, Arguments arguments, Rendering rendering, TemplatePlace at)
    {
        var items = rendering.Items(value, at);
        rendering.Charge(items.Length, at);
        if (arguments.TryGet(int.MaxValue, "attribute", out var attribute) && attribute is string name)
            return items.Select(item => Path(item, name, rendering, at)).ToArray();
        if (arguments.Positional is [string filter, ..] && All.TryGetValue(filter, out var apply))
            return items.Select(item => apply(item, new Arguments(arguments.Positional[1..], arguments.Named), rendering, at)).ToArray();
        throw rendering.Fail(at, "map takes attribute='name' or the name of a filter");
    }

    private static object?[] Select(object? value, Arguments arguments, bool keeps, Rendering rendering, TemplatePlace at)
    {
        if (arguments.Positional is not [string attribute, .. var rest])
            throw rendering.Fail(at, "needs the name of an attribute");
        ValueTest? test = null;
        if (rest.Length > 0 && (rest[0] is not string name || !ValueTests.All.TryGetValue(name, out test)))
            throw rendering.Fail(at, "the second argument is the name of a test");
        var values = rest.Length > 0 ? new Arguments(rest[1..], []) : Arguments.None;
        return
        [
            .. rendering.Items(value, at).Where(item =>
            {
                rendering.Step(at);
                var found = Path(item, attribute, rendering, at);
                return (test is null ? Rendering.IsTrue(found) : test(found, values, rendering, at)) == keeps;
            }),
        ];
    }

    private static object? Path(object? value, string path, Rendering rendering, TemplatePlace at)
    {
        foreach (var part in path.Split('.'))
            value = Subscripts.Member(rendering.Defined(value, at), part);
        return value;
    }
}

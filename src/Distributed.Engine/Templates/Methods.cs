using System.Numerics;

namespace Distributed.Engine.Templates;

/// <summary>Methods of strings, dicts and loops.</summary>
internal static class Methods
{
    private static readonly HashSet<string> OfText =
    [
        "startswith", "endswith", "split", "rsplit", "strip", "lstrip", "rstrip", "replace", "upper", "lower", "title", "capitalize", "join", "find", "count",
    ];

    private static readonly HashSet<string> OfMap = ["items", "keys", "values", "get"];

    /// <summary>The method of a value, or null if it has none of that name.</summary>
    public static BoundMethod? Find(object? value, string name) => value switch
    {
        string when OfText.Contains(name) => new BoundMethod(value, name),
        TemplateMap when OfMap.Contains(name) => new BoundMethod(value, name),
        _ => null,
    };

    public static object? Call(BoundMethod method, Arguments arguments, Rendering rendering, TemplatePlace at)
    {
        var call = new MethodCall(method.Name, arguments, rendering, at);
        return method.Target switch
        {
            string text => OnText(text, call),
            TemplateMap map => OnMap(map, call),
            LoopState loop when method.Name == "cycle" => arguments.Positional.Length > 0
                ? arguments.Positional[loop.Index % arguments.Positional.Length]
                : throw rendering.Fail(at, "cycle needs values"),
            LoopState loop => loop.Changed(arguments.Positional),
            _ => throw rendering.Fail(at, $"{method.Name} cannot be called"),
        };
    }

    private static object? OnText(string text, MethodCall call)
    {
        call.Rendering.Charge(text.Length, call.At);
        switch (call.Name)
        {
            case "startswith":
                return Any(call, part => text.StartsWith(part, StringComparison.Ordinal));
            case "endswith":
                return Any(call, part => text.EndsWith(part, StringComparison.Ordinal));
            case "strip":
                return PythonText.Strip(text, call.OptionalText(0, "chars"), start: true, end: true);
            case "lstrip":
                return PythonText.Strip(text, call.OptionalText(0, "chars"), start: true, end: false);
            case "rstrip":
                return PythonText.Strip(text, call.OptionalText(0, "chars"), start: false, end: true);
            case "upper":
                return text.ToUpperInvariant();
            case "lower":
                return text.ToLowerInvariant();
            case "title":
                return Filters.Title(text);
            case "capitalize":
                return Filters.Capitalize(text);
            case "split":
            case "rsplit":
                var parts = PythonSplit.Split(text, call.OptionalText(0, "sep"), call.OptionalWhole(1, "maxsplit") ?? -1, call.Name == "rsplit", call);
                call.Rendering.Charge(4L * parts.Count, call.At);
                return parts.ToArray<object?>();
            case "replace":
                return Filters.Replace(text, call.Text(0, "old"), call.Text(1, "new"), call.OptionalWhole(2, "count") ?? -1, call.Rendering, call.At);
            case "join":
                call.Arguments.TryGet(0, "iterable", out var items);
                return Filters.JoinItems(items, text, mustBeText: true, call.Rendering, call.At);
            case "find":
                var index = text.IndexOf(call.Text(0, "sub"), StringComparison.Ordinal);
                return new BigInteger(index < 0 ? -1 : PythonText.Length(text[..index]));
            default:
                var sub = call.Text(0, "sub");
                return new BigInteger(sub.Length == 0 ? PythonText.Length(text) + 1 : text.AsSpan().Count(sub));
        }
    }

    private static bool Any(MethodCall call, Func<string, bool> test)
    {
        call.Arguments.TryGet(0, "prefix", out var parts);
        return parts is object?[] several
            ? several.Any(part => part is string text && test(text))
            : test(call.Text(0, "prefix"));
    }

    private static object? OnMap(TemplateMap map, MethodCall call)
    {
        call.Rendering.Charge(map.Count, call.At);
        switch (call.Name)
        {
            case "items":
                return map.Members.Select(object? (member) => new object?[] { member.Key, member.Value }).ToArray();
            case "keys":
                return map.Keys.ToArray<object?>();
            case "values":
                return map.Members.Select(member => member.Value).ToArray();
            default:
                if (!call.Arguments.TryGet(0, "key", out var key))
                    throw call.Rendering.Fail(call.At, "get needs a key");
                if (key is string name && map.TryGet(name, out var value))
                    return value;
                call.Arguments.TryGet(1, "default", out var otherwise);
                return otherwise;
        }
    }
}

/// <summary>A method's arguments, checked.</summary>
internal sealed record MethodCall(string Name, Arguments Arguments, Rendering Rendering, TemplatePlace At)
{
    public string Text(int position, string name) =>
        OptionalText(position, name) ?? throw Rendering.Fail(At, $"{Name} needs a string as argument {position + 1}");

    public string? OptionalText(int position, string name)
    {
        if (!Arguments.TryGet(position, name, out var value) || value is null)
            return null;
        if (Rendering.Defined(value, At) is not string text)
            throw Rendering.Fail(At, $"{Name} needs a string as argument {position + 1}, not {Rendering.Kind(value)}");
        Rendering.Charge(text.Length, At);
        return text;
    }

    public int? OptionalWhole(int position, string name)
    {
        if (!Arguments.TryGet(position, name, out var value) || value is null)
            return null;
        return Operators.Number(value) is BigInteger whole
            ? (int)BigInteger.Clamp(whole, -1, int.MaxValue)
            : throw Rendering.Fail(At, $"{Name} needs an integer as argument {position + 1}, not {Rendering.Kind(value)}");
    }
}

using System.Numerics;

namespace Distributed.Engine.Templates;

/// <summary>The global functions.</summary>
internal static class Functions
{
    private const int LongestRange = 100_000;

    public static object? Call(GlobalFunction function, Arguments arguments, Rendering rendering, TemplatePlace at) => function.Name switch
    {
        "namespace" => Namespace(arguments, rendering, at),
        "dict" => Dict(arguments, rendering, at),
        "range" => Range(arguments, rendering, at),
        _ => throw rendering.Fail(at, arguments.TryGet(0, "message", out var message) ? $"the template says: {rendering.Text(message, at)}" : "the template gives up"),
    };

    private static TemplateNamespace Namespace(Arguments arguments, Rendering rendering, TemplatePlace at)
    {
        var space = new TemplateNamespace();
        foreach (var (name, value) in Dict(arguments, rendering, at).Members)
            space.Attributes[name] = value;
        return space;
    }

    private static TemplateMap Dict(Arguments arguments, Rendering rendering, TemplatePlace at)
    {
        var made = new TemplateMap();
        if (arguments.Positional is [TemplateMap given])
        {
            rendering.Charge(4L * given.Count, at);
            foreach (var (name, value) in given.Members)
                made.Set(name, value);
        }
        else if (arguments.Positional.Length > 0)
        {
            throw rendering.Fail(at, "takes a dict or name=value pairs");
        }

        foreach (var (name, value) in arguments.Named)
            made.Set(name, value);
        return made;
    }

    private static object?[] Range(Arguments arguments, Rendering rendering, TemplatePlace at)
    {
        if (arguments.Named.Count > 0 || arguments.Positional.Length is < 1 or > 3 || arguments.Positional.Any(value => Operators.Number(value) is not BigInteger))
            throw rendering.Fail(at, "range takes one to three integers");
        var bounds = arguments.Positional.Select(value => (BigInteger)Operators.Number(value)!).ToArray();
        var (from, to) = bounds.Length == 1 ? (0, bounds[0]) : (bounds[0], bounds[1]);
        var step = bounds.Length == 3 ? bounds[2] : 1;
        if (step.IsZero)
            throw rendering.Fail(at, "the step of a range cannot be 0");
        var count = BigInteger.Max(0, (to - from + step - step.Sign) / step);
        if (count > LongestRange)
            throw rendering.Fail(at, $"a range of more than {LongestRange} numbers");
        rendering.Charge((long)count * 4, at);
        return [.. Enumerable.Range(0, (int)count).Select(i => (object?)(from + (step * i)))];
    }
}

using System.Collections.ObjectModel;
using System.Numerics;

namespace Distributed.Engine.Templates;

/// <summary>What stands behind an <c>is</c>.</summary>
internal delegate bool ValueTest(object? value, Arguments arguments, Rendering rendering, TemplatePlace at);

/// <summary>The tests, by name.</summary>
internal static class ValueTests
{
    public static ReadOnlyDictionary<string, ValueTest> All { get; } = new Dictionary<string, ValueTest>
    {
        ["defined"] = (value, _, _, _) => value is not Undefined,
        ["undefined"] = (value, _, _, _) => value is Undefined,
        ["none"] = (value, _, _, _) => value is null,
        ["string"] = (value, _, _, _) => value is string,
        ["number"] = (value, _, _, _) => Operators.Number(value) is not null,
        ["integer"] = (value, _, _, _) => value is BigInteger,
        ["float"] = (value, _, _, _) => value is double,
        ["boolean"] = (value, _, _, _) => value is bool,
        ["true"] = (value, _, _, _) => value is true,
        ["false"] = (value, _, _, _) => value is false,
        ["mapping"] = (value, _, _, _) => value is TemplateMap,
        ["iterable"] = (value, _, _, _) => value is string or object?[] or TemplateMap or Undefined,
        ["sequence"] = (value, _, _, _) => value is string or object?[] or TemplateMap or Undefined,
        ["callable"] = (value, _, _, _) => value is BoundMethod or GlobalFunction or Macro,
        ["odd"] = (value, _, rendering, at) => !Integer(value, rendering, at).IsEven,
        ["even"] = (value, _, rendering, at) => Integer(value, rendering, at).IsEven,
        ["eq"] = Comparison("=="),
        ["equalto"] = Comparison("=="),
        ["ne"] = Comparison("!="),
        ["lt"] = Comparison("<"),
        ["gt"] = Comparison(">"),
        ["le"] = Comparison("<="),
        ["ge"] = Comparison(">="),
        ["in"] = Comparison("in"),
    }.AsReadOnly();

    private static ValueTest Comparison(string symbol) => (value, arguments, rendering, at) =>
        arguments.Positional is [var other] ? Operators.Compare(symbol, value, other, rendering, at) : throw rendering.Fail(at, "this test compares with one value");

    private static BigInteger Integer(object? value, Rendering rendering, TemplatePlace at) =>
        Operators.Number(rendering.Defined(value, at)) as BigInteger? ?? throw rendering.Fail(at, $"{Rendering.Kind(value)} is neither odd nor even");
}

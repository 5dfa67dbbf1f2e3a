using System.Numerics;

namespace Distributed.Engine.Templates;

/// <summary>Something with a value.</summary>
internal abstract class Expression(TemplatePlace at)
{
    /// <summary>Where complaints point to.</summary>
    public TemplatePlace At => at;

    public object? Evaluate(Rendering rendering)
    {
        rendering.Step(at);
        return Value(rendering);
    }

    protected abstract object? Value(Rendering rendering);
}

internal sealed class LiteralExpression(TemplatePlace at, object? value) : Expression(at)
{
    protected override object? Value(Rendering rendering) => value;
}

internal sealed class NameExpression(TemplatePlace at, string name) : Expression(at)
{
    protected override object? Value(Rendering rendering) =>
        rendering.Scope.TryFind(name, out var value) ? value
        : GlobalFunction.All.TryGetValue(name, out var function) ? function
        : new Undefined($"'{name}' is undefined");
}

internal sealed class ListExpression(TemplatePlace at, IReadOnlyList<Expression> items) : Expression(at)
{
    protected override object? Value(Rendering rendering) => items.Select(item => item.Evaluate(rendering)).ToArray();
}

internal sealed class MapExpression(TemplatePlace at, IReadOnlyList<(Expression Key, Expression Value)> members) : Expression(at)
{
    protected override object? Value(Rendering rendering)
    {
        var map = new TemplateMap();
        foreach (var (key, value) in members)
        {
            if (key.Evaluate(rendering) is not string name)
                throw rendering.Fail(key.At, "a key of a dict must be a string");
            map.Set(name, value.Evaluate(rendering));
        }

        return map;
    }
}

internal sealed class NotExpression(TemplatePlace at, Expression operand) : Expression(at)
{
    protected override object? Value(Rendering rendering) => !Rendering.IsTrue(operand.Evaluate(rendering));
}

internal sealed class SignExpression(TemplatePlace at, bool minus, Expression operand) : Expression(at)
{
    protected override object? Value(Rendering rendering) => Operators.Negate(operand.Evaluate(rendering), minus, rendering, At);
}

/// <summary>and, or: the value of the operand that decides.</summary>
internal sealed class ShortCircuitExpression(TemplatePlace at, bool stopsAt, Expression left, Expression right) : Expression(at)
{
    protected override object? Value(Rendering rendering)
    {
        var value = left.Evaluate(rendering);
        return Rendering.IsTrue(value) == stopsAt ? value : right.Evaluate(rendering);
    }
}

internal sealed class BinaryExpression(TemplatePlace at, string symbol, Expression left, Expression right) : Expression(at)
{
    protected override object? Value(Rendering rendering) => Operators.Apply(symbol, left.Evaluate(rendering), right.Evaluate(rendering), rendering, At);
}

/// <summary>a &lt; b &lt; c: every neighbour comparison must hold.</summary>
internal sealed class ComparisonExpression(Expression first, IReadOnlyList<(TemplatePlace At, string Symbol, Expression Operand)> rest) : Expression(first.At)
{
    protected override object? Value(Rendering rendering)
    {
        var left = first.Evaluate(rendering);
        foreach (var (place, symbol, operand) in rest)
        {
            var right = operand.Evaluate(rendering);
            if (!Operators.Compare(symbol, left, right, rendering, place))
                return false;
            left = right;
        }

        return true;
    }
}

internal sealed class ConditionalExpression(TemplatePlace at, Expression condition, Expression then, Expression? otherwise) : Expression(at)
{
    protected override object? Value(Rendering rendering) =>
        Rendering.IsTrue(condition.Evaluate(rendering)) ? then.Evaluate(rendering)
        : otherwise is null ? new Undefined("the condition is false and there is no else")
        : otherwise.Evaluate(rendering);
}

/// <summary>a.b: a method before a key, as in Python.</summary>
internal sealed class AttributeExpression(TemplatePlace at, Expression target, string name) : Expression(at)
{
    protected override object? Value(Rendering rendering)
    {
        var value = rendering.Defined(target.Evaluate(rendering), At);
        return Methods.Find(value, name) ?? Subscripts.Member(value, name);
    }
}

/// <summary>a[b]: a key or index before a method.</summary>
internal sealed class ItemExpression(TemplatePlace at, Expression target, Expression index) : Expression(at)
{
    protected override object? Value(Rendering rendering)
    {
        var value = rendering.Defined(target.Evaluate(rendering), At);
        var key = index.Evaluate(rendering);
        if (key is not string name)
            return Subscripts.Item(value, key, rendering, At);
        var member = Subscripts.Member(value, name);
        return member is Undefined ? Methods.Find(value, name) ?? member : member;
    }
}

/// <summary>a[from:to:step].</summary>
internal sealed class SliceExpression(TemplatePlace at, Expression target, Expression? from, Expression? to, Expression? step) : Expression(at)
{
    protected override object? Value(Rendering rendering)
    {
        var value = rendering.Defined(target.Evaluate(rendering), At);
        return Subscripts.Slice(value, Bound(from, rendering), Bound(to, rendering), Bound(step, rendering), rendering, At);
    }

    private static int? Bound(Expression? bound, Rendering rendering)
    {
        if (bound?.Evaluate(rendering) is not { } value)
            return null;
        return Operators.Number(value) is BigInteger whole
            ? (int)BigInteger.Clamp(whole, -int.MaxValue, int.MaxValue)
            : throw rendering.Fail(bound.At, $"a slice needs integers, not {Rendering.Kind(value)}");
    }
}

/// <summary>f(a, b=c).</summary>
internal sealed class CallExpression(TemplatePlace at, Expression callee, ArgumentList arguments) : Expression(at)
{
    protected override object? Value(Rendering rendering)
    {
        var function = rendering.Defined(callee.Evaluate(rendering), At);
        var values = arguments.Evaluate(rendering);
        return function switch
        {
            BoundMethod method => Methods.Call(method, values, rendering, At),
            GlobalFunction global => Functions.Call(global, values, rendering, At),
            Macro macro => macro.Call(values, rendering, At),
            _ => throw rendering.Fail(At, $"{Rendering.Kind(function)} cannot be called"),
        };
    }
}

/// <summary>a | f(b).</summary>
internal sealed class FilterExpression(TemplatePlace at, Expression target, Filter filter, ArgumentList arguments) : Expression(at)
{
    protected override object? Value(Rendering rendering)
    {
        var value = target.Evaluate(rendering);
        rendering.Charge(value is string text ? text.Length : value is object?[] list ? list.Length : 0, At);
        return filter(value, arguments.Evaluate(rendering), rendering, At);
    }
}

/// <summary>a is [not] t(b).</summary>
internal sealed class TestExpression(TemplatePlace at, Expression target, ValueTest test, ArgumentList arguments, bool negated) : Expression(at)
{
    protected override object? Value(Rendering rendering) => test(target.Evaluate(rendering), arguments.Evaluate(rendering), rendering, At) != negated;
}

internal sealed record ArgumentList(IReadOnlyList<Expression> Positional, IReadOnlyList<(string Name, Expression Value)> Named)
{
    public static ArgumentList None { get; } = new([], []);

    public Arguments Evaluate(Rendering rendering) => Positional.Count + Named.Count == 0 ? Arguments.None : new Arguments(
        [.. Positional.Select(value => value.Evaluate(rendering))],
        [.. Named.Select(entry => KeyValuePair.Create(entry.Name, entry.Value.Evaluate(rendering)))]);
}

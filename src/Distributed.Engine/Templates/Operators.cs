using System.Numerics;

namespace Distributed.Engine.Templates;

/// <summary>Arithmetic and comparison, with Python's rules.</summary>
internal static class Operators
{
    private const int LargestBits = 4096;

    public static object? Apply(string symbol, object? left, object? right, Rendering rendering, TemplatePlace at)
    {
        if (symbol == "~")
            return Join(rendering.Text(left, at), rendering.Text(right, at), rendering, at);
        rendering.Defined(left, at);
        rendering.Defined(right, at);
        if (Number(left) is { } a && Number(right) is { } b)
            return Calculate(symbol, a, b, rendering, at);
        return (symbol, left, right) switch
        {
            ("+", string x, string y) => Join(x, y, rendering, at),
            ("+", object?[] x, object?[] y) => Join(x, y, rendering, at),
            ("*", string x, _) when Number(right) is BigInteger count => Repeat(x, count, rendering, at),
            ("*", _, string y) when Number(left) is BigInteger count => Repeat(y, count, rendering, at),
            ("*", object?[] x, _) when Number(right) is BigInteger count => Repeat(x, count, rendering, at),
            ("*", _, object?[] y) when Number(left) is BigInteger count => Repeat(y, count, rendering, at),
            _ => throw rendering.Fail(at, $"'{symbol}' does not work on {Rendering.Kind(left)} and {Rendering.Kind(right)}"),
        };
    }

    public static object Negate(object? value, bool minus, Rendering rendering, TemplatePlace at) =>
        Number(rendering.Defined(value, at)) switch
        {
            BigInteger whole => minus ? -whole : whole,
            double number => minus ? -number : number,
            _ => throw rendering.Fail(at, $"{(minus ? "-" : "+")} does not work on {Rendering.Kind(value)}"),
        };

    public static bool Compare(string symbol, object? left, object? right, Rendering rendering, TemplatePlace at)
    {
        switch (symbol)
        {
            case "==":
                return AreEqual(left, right, rendering, at);
            case "!=":
                return !AreEqual(left, right, rendering, at);
            case "in":
                return Contains(right, left, rendering, at);
            case "not in":
                return !Contains(right, left, rendering, at);
        }

        rendering.Defined(left, at);
        rendering.Defined(right, at);
        int order;
        if (left is string x && right is string y)
        {
            rendering.Charge(Math.Min(x.Length, y.Length), at);
            order = PythonText.Compare(x, y);
        }
        else if (Number(left) is { } a && Number(right) is { } b)
        {
            if (a is double.NaN || b is double.NaN)
                return false;
            order = a is BigInteger c && b is BigInteger d ? c.CompareTo(d) : Real(a, rendering, at).CompareTo(Real(b, rendering, at));
        }
        else
        {
            throw rendering.Fail(at, $"'{symbol}' does not work on {Rendering.Kind(left)} and {Rendering.Kind(right)}");
        }

        return symbol switch { "<" => order < 0, ">" => order > 0, "<=" => order <= 0, _ => order >= 0 };
    }

    public static bool AreEqual(object? left, object? right, Rendering rendering, TemplatePlace at, int depth = 0)
    {
        rendering.Step(at);
        if (depth > rendering.Limits.ValueDepth)
            throw rendering.Fail(at, $"values of more than {rendering.Limits.ValueDepth} lists and dicts inside each other are compared");
        if (Number(left) is { } a && Number(right) is { } b)
            return a is BigInteger x && b is BigInteger y ? x == y : Real(a, rendering, at) == Real(b, rendering, at);
        switch (left, right)
        {
            case (null, null) or (Undefined, Undefined):
                return true;
            case (string x, string y):
                rendering.Charge(Math.Min(x.Length, y.Length), at);
                return x == y;
            case (object?[] x, object?[] y):
                return x.Length == y.Length && x.Index().All(entry => AreEqual(entry.Item, y[entry.Index], rendering, at, depth + 1));
            case (TemplateMap x, TemplateMap y):
                return x.Count == y.Count && x.Members.All(member => y.TryGet(member.Key, out var other) && AreEqual(member.Value, other, rendering, at, depth + 1));
            default:
                return ReferenceEquals(left, right);
        }
    }

    public static bool Contains(object? container, object? item, Rendering rendering, TemplatePlace at)
    {
        switch (container)
        {
            case string text:
                if (rendering.Defined(item, at) is not string part)
                    throw rendering.Fail(at, $"'in' looks for a string in a string, not for {Rendering.Kind(item)}");
                rendering.Charge(text.Length, at);
                return text.Contains(part, StringComparison.Ordinal);
            case TemplateMap map:
                return item is string key && map.TryGet(key, out _);
            case object?[] list:
                return list.Any(member => AreEqual(member, item, rendering, at));
            case Undefined:
                return false;
            default:
                throw rendering.Fail(at, $"'in' does not look into {Rendering.Kind(container)}");
        }
    }

    /// <summary>BigInteger or double, booleans being 0 and 1; null if the value is no number.</summary>
    public static object? Number(object? value) => value switch
    {
        bool flag => flag ? BigInteger.One : BigInteger.Zero,
        BigInteger or double => value,
        _ => null,
    };

    public static string Join(string left, string right, Rendering rendering, TemplatePlace at)
    {
        rendering.Charge((long)left.Length + right.Length, at);
        return left + right;
    }

    private static object?[] Join(object?[] left, object?[] right, Rendering rendering, TemplatePlace at)
    {
        rendering.Charge((long)left.Length + right.Length, at);
        return [.. left, .. right];
    }

    private static string Repeat(string text, BigInteger count, Rendering rendering, TemplatePlace at)
    {
        var times = Times(count, text.Length, rendering, at);
        return times == 1 ? text : new System.Text.StringBuilder(text.Length * times).Insert(0, text, times).ToString();
    }

    private static object?[] Repeat(object?[] list, BigInteger count, Rendering rendering, TemplatePlace at)
    {
        var times = Times(count, list.Length, rendering, at);
        return [.. Enumerable.Repeat(list, times).SelectMany(items => items)];
    }

    private static int Times(BigInteger count, int length, Rendering rendering, TemplatePlace at)
    {
        if (count.Sign <= 0 || length == 0)
            return 0;
        var units = count * length;
        rendering.Charge(units > int.MaxValue ? long.MaxValue : (long)units, at);
        return (int)count;
    }

    private static object Calculate(string symbol, object left, object right, Rendering rendering, TemplatePlace at)
    {
        if (symbol is "/" or "//" or "%" && right is BigInteger { IsZero: true } or 0.0)
            throw rendering.Fail(at, "division by zero");
        if (left is BigInteger a && right is BigInteger b && symbol != "/")
        {
            if (a.GetBitLength() + b.GetBitLength() > LargestBits)
                throw rendering.Fail(at, "an integer that is too large");
            switch (symbol)
            {
                case "+": return a + b;
                case "-": return a - b;
                case "*": return a * b;
                default:
                    // Python rounds down, so that the remainder has the divisor's sign.
                    var quotient = BigInteger.DivRem(a, b, out var remainder);
                    var down = !remainder.IsZero && remainder.Sign != b.Sign;
                    return symbol == "%" ? down ? remainder + b : remainder : down ? quotient - 1 : quotient;
            }
        }

        var (x, y) = (Real(left, rendering, at), Real(right, rendering, at));
        return symbol switch
        {
            "+" => x + y,
            "-" => x - y,
            "*" => x * y,
            "/" => x / y,
            "//" => Math.Floor(x / y),
            _ => x - (y * Math.Floor(x / y)),
        };
    }

    private static double Real(object value, Rendering rendering, TemplatePlace at)
    {
        if (value is double number)
            return number;
        var real = (double)(BigInteger)value;
        return double.IsFinite(real) ? real : throw rendering.Fail(at, "an integer that is too large for a float");
    }
}

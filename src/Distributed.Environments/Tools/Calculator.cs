using System.Globalization;
using System.Numerics;

namespace Distributed.Environments.Tools;

/// <summary>Bounds of a <see cref="Calculator"/>.</summary>
/// <param name="MostCharacters">Longest program.</param>
/// <param name="MostDigits">Most digits of a number, also of one computed on the way.</param>
/// <param name="MostDepth">Deepest nesting of parentheses and signs.</param>
/// <param name="MostNames">Most names a program may give values to.</param>
public sealed record CalculatorLimits(int MostCharacters = 1000, int MostDigits = 40, int MostDepth = 32, int MostNames = 64);

/// <summary>
/// Evaluates whole-number arithmetic written as Python writes it: statements parted by <c>;</c> or line ends, each an expression or
/// <c>name = expression</c>; expressions of + - * // %, signs, parentheses, numbers and names. The reply is the value of every <c>print(..)</c> and of
/// the last statement if it is an expression, a line each. // rounds down and % has its right side's sign, as in Python.
/// </summary>
public sealed class Calculator : ICodeTool
{
    private readonly CalculatorLimits limits;
    private readonly BigInteger bound;

    /// <summary>A calculator with its bounds.</summary>
    public Calculator(CalculatorLimits? limits = null)
    {
        this.limits = limits ?? new CalculatorLimits();
        bound = BigInteger.Pow(10, this.limits.MostDigits);
    }

    /// <inheritdoc/>
    public CodeReply Run(string program, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        if (program.Length > limits.MostCharacters)
            return new CodeReply("error too long", Failed: true);
        try
        {
            return new CodeReply(new Evaluation(program, limits, bound).Run(), Failed: false);
        }
        catch (CalculatorException error)
        {
            return new CodeReply("error " + error.Message, Failed: true);
        }
    }

    /// <summary>Nothing is held.</summary>
    public void Dispose() { }

    // One program being evaluated while it is read: recursive descent.
    private ref struct Evaluation(string program, CalculatorLimits limits, BigInteger bound)
    {
        private readonly Dictionary<string, BigInteger> names = new(StringComparer.Ordinal);
        private readonly List<string> output = [];
        private int at;
        private int depth;

        public string Run()
        {
            BigInteger? last = null;
            while (true)
            {
                SkipSpace(lineEnds: true);
                if (at == program.Length)
                    break;
                last = Statement();
                SkipSpace(lineEnds: false);
                if (at < program.Length && program[at] is not (';' or '\n' or '\r'))
                    throw new CalculatorException("syntax");
            }

            if (last is { } value)
                output.Add(Text(value));
            return output.Count > 0 ? string.Join('\n', output) : "no value";
        }

        // The value of an expression; null for what has none.
        private BigInteger? Statement()
        {
            var start = at;
            if (Name() is { } name)
            {
                if (name == "print")
                {
                    Expect('(');
                    var printed = Sum();
                    Expect(')');
                    output.Add(Text(printed));
                    return null;
                }

                if (Take("="))
                {
                    var value = Sum();
                    if (names.Count >= limits.MostNames && !names.ContainsKey(name))
                        throw new CalculatorException("too many names");
                    names[name] = value;
                    return null;
                }
            }

            at = start;
            return Sum();
        }

        private BigInteger Sum()
        {
            var value = Product();
            while (true)
            {
                if (Take("+"))
                    value = Checked(value + Product());
                else if (Take("-"))
                    value = Checked(value - Product());
                else
                    return value;
            }
        }

        private BigInteger Product()
        {
            var value = Signed();
            while (true)
            {
                if (Take("//"))
                    value = Floor(value, Signed()).Quotient;
                else if (Take("%"))
                    value = Floor(value, Signed()).Remainder;
                else if (Take("*"))
                    value = Checked(value * Signed());
                else
                    return value;
            }
        }

        private BigInteger Signed()
        {
            if (++depth > limits.MostDepth)
                throw new CalculatorException("too deep");
            var value = Take("-") ? -Signed() : Take("+") ? Signed() : Operand();
            depth--;
            return value;
        }

        private BigInteger Operand()
        {
            if (Take("("))
            {
                var value = Sum();
                Expect(')');
                return value;
            }

            if (Name() is { } name)
                return names.TryGetValue(name, out var known) ? known : throw new CalculatorException("unknown name");
            var start = at;
            while (at < program.Length && char.IsAsciiDigit(program[at]))
                at++;
            if (at == start)
                throw new CalculatorException("syntax");
            return at - start <= limits.MostDigits
                ? BigInteger.Parse(program.AsSpan(start, at - start), NumberStyles.None, CultureInfo.InvariantCulture)
                : throw new CalculatorException("too large");
        }

        private static (BigInteger Quotient, BigInteger Remainder) Floor(BigInteger left, BigInteger right)
        {
            if (right.IsZero)
                throw new CalculatorException("division by zero");
            var quotient = BigInteger.DivRem(left, right, out var remainder);
            return !remainder.IsZero && (remainder.Sign < 0) != (right.Sign < 0) ? (quotient - 1, remainder + right) : (quotient, remainder);
        }

        private readonly BigInteger Checked(BigInteger value) =>
            BigInteger.Abs(value) < bound ? value : throw new CalculatorException("too large");

        private string? Name()
        {
            SkipSpace(lineEnds: false);
            var start = at;
            while (at < program.Length && (char.IsAsciiLetter(program[at]) || program[at] == '_' || (at > start && char.IsAsciiDigit(program[at]))))
                at++;
            return at > start ? program[start..at] : null;
        }

        // Also false for the beginning of a longer sign: * of **, = of ==.
        private bool Take(string sign)
        {
            SkipSpace(lineEnds: false);
            if (string.CompareOrdinal(program, at, sign, 0, sign.Length) != 0)
                return false;
            if (sign is "*" or "=" && at + 1 < program.Length && program[at + 1] == sign[0])
                throw new CalculatorException("syntax");
            at += sign.Length;
            return true;
        }

        private void Expect(char sign)
        {
            if (!Take(sign == '(' ? "(" : ")"))
                throw new CalculatorException("syntax");
        }

        private void SkipSpace(bool lineEnds)
        {
            while (at < program.Length && (program[at] is ' ' or '\t' || (lineEnds && program[at] is ';' or '\n' or '\r')))
                at++;
        }

        private static string Text(BigInteger value) => value.ToString(CultureInfo.InvariantCulture);
    }

    private sealed class CalculatorException(string message) : Exception(message);
}

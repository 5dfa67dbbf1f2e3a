using System.Collections.Immutable;
using System.Text;

using Distributed.Ports;

namespace Distributed.Environments.Arithmetic;

/// <summary>A word problem: somebody has a number of things, and one step after the other changes how many.</summary>
/// <param name="Person">Who, a place in <see cref="ProblemWords.People"/>.</param>
/// <param name="Thing">What, a place in <see cref="ProblemWords.Things"/>.</param>
/// <param name="Start">How many at first.</param>
/// <param name="Steps">What happens, in order.</param>
/// <param name="Answer">How many at last.</param>
public sealed record WordProblem(int Person, int Thing, int Start, ImmutableArray<Operation> Steps, long Answer)
{
    /// <summary>As the agent reads it.</summary>
    public string Text
    {
        get
        {
            var text = new StringBuilder($"{ArithmeticVocabulary.Begin} {ProblemWords.Open} {ProblemWords.People[Person]} has ")
                .Append(DigitNotation.Of(Start)).Append(' ').Append(ProblemWords.Things[Thing]).Append(" .");
            foreach (var step in Steps)
                text.Append(' ').Append(step.Text).Append(" .");
            return text.Append(" how many ? ").Append(ProblemWords.Close).ToString();
        }
    }
}

/// <summary>Draws word problems; the same index always gives the same one.</summary>
/// <param name="seed">Seed of the problems.</param>
public sealed class WordProblems(ulong seed)
{
    /// <summary>Most steps of a problem.</summary>
    public const int MostSteps = 4;

    private const ulong ProblemPurpose = 11;
    private const ulong NumberSalt = 0xA51D_17CE;
    private const ulong PairSalt = 0xA51D_27CE;
    private const int Smallest = 10;

    /// <summary>
    /// The split a number of a problem belongs to: a fifth is held out. Held-out problems are made of held-out numbers only, train problems of
    /// the others; what comes out on the way may be any number.
    /// </summary>
    public static Split SplitOf(int number) => StableHash.Of(NumberSalt, (ulong)number) % 5 == 0 ? Split.HeldOut : Split.Train;

    /// <summary>The split a person and a thing belong to together.</summary>
    public static Split SplitOf(int person, int thing) => StableHash.Of(PairSalt, (ulong)person, (ulong)thing) % 5 == 0 ? Split.HeldOut : Split.Train;

    /// <summary>A problem.</summary>
    /// <param name="split">Whose numbers and names it is made of.</param>
    /// <param name="index">Which; any number from 0.</param>
    /// <param name="mix">Shares of problems with 1, 2, .. steps.</param>
    public WordProblem Get(Split split, long index, IReadOnlyList<double> mix)
    {
        var chance = new HashStream(StableHash.Of(seed, ProblemPurpose, (ulong)split, (ulong)index));
        var steps = ImmutableArray.CreateBuilder<Operation>(Draw(mix, chance.Unit()) + 1);
        int person, thing;
        do (person, thing) = (chance.Below(ProblemWords.People.Length), chance.Below(ProblemWords.Things.Length));
        while (SplitOf(person, thing) != split);
        var start = Number(split, 2, 4, ref chance);
        long value = start;
        while (steps.Count < steps.Capacity)
        {
            var step = Step(split, ref chance);
            if (!Fits(step, value))
                continue;
            steps.Add(step);
            value = step.Apply(value);
        }

        return new WordProblem(person, thing, start, steps.MoveToImmutable(), value);
    }

    // Adding two digits nearly always fits, so that a fitting step is found soon whatever came before.
    private static bool Fits(Operation step, long value) =>
        step.Apply(value) is >= Smallest and < Operation.Bound && (step.Kind != OperationKind.Remainder || value > step.Number);

    private static Operation Step(Split split, ref HashStream chance)
    {
        var kind = (OperationKind)chance.Below(5);
        var number = kind switch
        {
            OperationKind.Add or OperationKind.Subtract => Number(split, 2, 4, ref chance),
            OperationKind.Remainder => Number(split, 3, 3, ref chance),
            _ => Number(split, 2, 2, ref chance),
        };
        return new Operation(kind, number, chance.Below(Operation.Wordings));
    }

    private static int Number(Split split, int fewestDigits, int mostDigits, ref HashStream chance)
    {
        while (true)
        {
            var least = 1;
            for (var digits = fewestDigits + chance.Below(mostDigits - fewestDigits + 1); digits > 1; digits--)
                least *= 10;
            var number = least + chance.Below(9 * least);
            if (SplitOf(number) == split)
                return number;
        }
    }

    private static int Draw(IReadOnlyList<double> mix, double unit)
    {
        var left = unit * mix.Sum();
        for (var i = 0; i < mix.Count; i++)
        {
            if (left < mix[i])
                return i;
            left -= mix[i];
        }

        return mix.Count - 1 - mix.Reverse().TakeWhile(share => share <= 0).Count();
    }
}

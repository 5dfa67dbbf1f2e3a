using System.Collections.Immutable;

using Distributed.Ports;

namespace Distributed.Environments.Arithmetic;

/// <summary>
/// Demonstrations on train numbers. <c>one-step</c>: a problem of one operation, written as a program and answered with its result.
/// <c>worksheet</c>: how people try things on a calculator: as many programs as the problem has operations, mostly, each one operation of the
/// problem, mostly one not used yet, on any number that came up; the newest result is given as the answer. Worksheets teach what programs look
/// like and how many people write, never to take the operations in order or always to go on with the last result.
/// </summary>
public sealed class ArithmeticDemonstrations
{
    /// <summary>A problem of one operation, solved.</summary>
    public const string OneStep = "one-step";

    /// <summary>A worksheet.</summary>
    public const string Worksheet = "worksheet";

    private const ulong SheetPurpose = 7;
    private const double ProgramsAsOperations = 0.7;
    private const double LatestValue = 0.6;
    private const double UnusedOperation = 0.7;

    private static readonly ImmutableArray<double> sheetMix = [.. Enumerable.Repeat(1.0, WordProblems.MostSteps)];

    private readonly WordProblems problems;
    private readonly ulong seed;
    private readonly int mostPrograms;

    /// <summary>Other problems than those to be learnt from, with programs that leave a turn for the answer.</summary>
    public ArithmeticDemonstrations(ulong seed, int maxTurns)
    {
        this.seed = seed;
        problems = new WordProblems(seed);
        mostPrograms = Math.Min(maxTurns - 1, WordProblems.MostSteps);
    }

    /// <summary>The kinds.</summary>
    public static IReadOnlyList<string> AllKinds { get; } = [OneStep, Worksheet];

    /// <summary>A demonstration.</summary>
    /// <exception cref="ArgumentException">No such kind.</exception>
    public Demonstration Get(string kind, long index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        return kind switch
        {
            // Even and odd numbers, so that the two kinds share no problem.
            OneStep => WriteOneStep(problems.Get(Split.Train, checked(index * 2), [1])),
            Worksheet => WriteSheet(problems.Get(Split.Train, checked((index * 2) + 1), sheetMix), index),
            _ => throw new ArgumentException($"no demonstrations of kind '{kind}': the arithmetic world has {string.Join(", ", AllKinds)}", nameof(kind)),
        };
    }

    private static Demonstration WriteOneStep(WordProblem problem)
    {
        var pieces = Begin(problem);
        Program(pieces, problem.Start, problem.Steps[0]);
        return Answer(pieces, problem.Answer);
    }

    private Demonstration WriteSheet(WordProblem problem, long index)
    {
        var chance = new HashStream(StableHash.Of(seed, SheetPurpose, (ulong)index));
        var pieces = Begin(problem);
        var programs = chance.Unit() < ProgramsAsOperations ? Math.Min(problem.Steps.Length, mostPrograms) : 1 + chance.Below(mostPrograms);
        long latest = problem.Start;
        List<long> seen = [latest];
        List<Operation> unused = [.. problem.Steps];
        for (var i = 0; i < programs; i++)
        {
            long value;
            Operation step;
            do
            {
                value = chance.Unit() < LatestValue ? latest : seen[chance.Below(seen.Count)];
                step = unused.Count > 0 && chance.Unit() < UnusedOperation ? unused[chance.Below(unused.Count)] : problem.Steps[chance.Below(problem.Steps.Length)];
            }
            while (step.Apply(value) is < 0 or >= Operation.Bound && value != problem.Start);
            unused.Remove(step);
            latest = Program(pieces, value, step);
            seen.Add(latest);
        }

        return Answer(pieces, latest);
    }

    // Every piece but the first begins with a space, so that the pieces read as one text and also give the same tokens one by one.
    private static long Program(ImmutableArray<DemonstrationPiece>.Builder pieces, long value, Operation step)
    {
        var result = step.Apply(value);
        pieces.Add(new($" {CodeFormat.CodeOpen} {DigitNotation.Of(value)} {step.Sign} {DigitNotation.Of(step.Number)} {CodeFormat.CodeClose}", Trained: true));
        pieces.Add(new($" {TurnFormat.ResultOpen} {DigitNotation.Of(result)} {TurnFormat.ResultClose}", Trained: false));
        return result;
    }

    private static ImmutableArray<DemonstrationPiece>.Builder Begin(WordProblem problem)
    {
        var pieces = ImmutableArray.CreateBuilder<DemonstrationPiece>();
        pieces.Add(new(problem.Text, Trained: false));
        return pieces;
    }

    private static Demonstration Answer(ImmutableArray<DemonstrationPiece>.Builder pieces, long value)
    {
        pieces.Add(new($" {TurnFormat.AnswerOpen} {DigitNotation.Of(value)} {TurnFormat.AnswerClose}", Trained: true));
        return new Demonstration(pieces.ToImmutable());
    }
}

using Distributed.Credit;
using Distributed.Credit.Bias;

namespace Distributed.Node.CreditFiles;

/// <summary>A method of the study.</summary>
/// <param name="Name">Its name in the table.</param>
/// <param name="Method">Its estimator.</param>
/// <param name="Options">Options that are not the default.</param>
/// <param name="Target">What its gradient ought to be the gradient of.</param>
internal sealed record StudiedMethod(string Name, string Method, IReadOnlyDictionary<string, string> Options, GradientTarget Target);

/// <summary>A method on a problem.</summary>
/// <param name="Problem">The problem.</param>
/// <param name="Method">The method.</param>
/// <param name="Report">Its expected gradient, bias and variance.</param>
internal sealed record BiasRow(StoppingProblem Problem, StudiedMethod Method, GradientReport Report)
{
    private const double Nothing = 1e-9;

    /// <summary>Expected gradient of the logit of stopping at a depth; negative means: search more.</summary>
    public double Stop(int depth) => Report.ExpectedGradient[depth][0];

    /// <summary>What that gradient would be without bias.</summary>
    public double TrueStop(int depth) => Problem.TrueGradient(Method.Target)[depth][0];

    /// <summary>In a word, whether the method decides rightly when to stop at a depth.</summary>
    public StopVerdict Verdict(int depth) =>
        Report.BiasNorm < Nothing ? StopVerdict.Exact
        : Math.Abs(TrueStop(depth)) > Nothing && Math.Abs(Stop(depth)) < 1e-3 * Math.Abs(TrueStop(depth)) ? StopVerdict.Blind
        : Math.Sign(Rounded(Stop(depth))) == Math.Sign(Rounded(TrueStop(depth))) ? StopVerdict.SameSign
        : StopVerdict.Reversed;

    private static double Rounded(double value) => Math.Abs(value) < Nothing ? 0 : value;
}

/// <summary>How the expected gradient of stopping compares with the true one.</summary>
internal enum StopVerdict
{
    /// <summary>The whole gradient is the true one.</summary>
    Exact,

    /// <summary>Another size, the same direction.</summary>
    SameSign,

    /// <summary>None although there is one.</summary>
    Blind,

    /// <summary>The wrong direction.</summary>
    Reversed,
}

/// <summary>Every method on every problem in which a policy decides when to stop, exactly: nothing is sampled.</summary>
internal static class BiasStudy
{
    /// <summary>The methods, in the table's order.</summary>
    public static IReadOnlyList<StudiedMethod> Methods { get; } =
    [
        Outcome("grpo", "grpo"),
        Outcome("grpo, no std", "grpo", ("norm_adv_by_std_in_grpo", "false")),
        Outcome("rloo", "rloo"),
        Outcome("reinforce++", "reinforce++"),
        Outcome("reinforce++-baseline", "reinforce++-baseline"),
        Outcome("gigpo", "gigpo"),
        Outcome("gtpo", "gtpo"),
        Gains("igpo joint", "igpo"),
        Gains("igpo separate", "igpo", ("norm", "separate")),
        Gains("a2tgpo", "a2tgpo"),
        Gains("a2tgpo, no sqrt", "a2tgpo", ("sqrt_scaling", "false")),
        Gains("turn-peer", "turn-peer"),
        Gains("turn-peer, all rollouts", "turn-peer", ("peers", "all_rollouts")),
        Gains("turn-peer, scale peers", "turn-peer", ("scale", "peers")),
    ];

    /// <summary>Measures them all.</summary>
    /// <param name="groupSize">Rollouts of a group, 1 to 8; the work grows steeply.</param>
    public static IReadOnlyList<BiasRow> Measure(int groupSize) =>
    [
        .. from problem in StoppingProblem.All
           from method in Methods
           select new BiasRow(problem, method, GradientBias.Measure(problem, AdvantageEstimators.Create(method.Method, method.Options), groupSize, method.Target)),
    ];

    private static StudiedMethod Outcome(string name, string method, params (string Key, string Value)[] options) => Method(name, method, GradientTarget.Outcome, options);

    private static StudiedMethod Gains(string name, string method, params (string Key, string Value)[] options) => Method(name, method, GradientTarget.OutcomeAndGains, options);

    private static StudiedMethod Method(string name, string method, GradientTarget target, (string Key, string Value)[] options) =>
        new(name, method, options.ToDictionary(option => option.Key, option => option.Value), target);
}

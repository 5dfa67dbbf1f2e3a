namespace Distributed.Credit;

/// <summary>A method that can be chosen by name.</summary>
/// <param name="Name">Its name in recipes and reports.</param>
/// <param name="Source">Where it comes from: the paper's number, and what was rebuilt from where.</param>
/// <param name="Options">Its options record; <see cref="OptionNames"/> gives their names.</param>
/// <param name="UsesGains">True if it needs the gain of every tool turn; false if, with its default options, none has to be scored.</param>
/// <param name="Create">Makes the estimator from such a record.</param>
public sealed record AdvantageEstimatorEntry(
    string Name, string Source, Type Options, bool UsesGains, Func<object, IAdvantageEstimator> Create);

/// <summary>Every method by name.</summary>
public static class AdvantageEstimators
{
    /// <summary>All methods, in the order they are listed in documents.</summary>
    public static IReadOnlyList<AdvantageEstimatorEntry> All { get; } =
    [
        new("grpo", "2402.03300, as in verl", typeof(GrpoOptions), UsesGains: false, options => new Grpo((GrpoOptions)options)),
        new("rloo", "2402.14740, as in verl", typeof(RlooOptions), UsesGains: false, options => new Rloo((RlooOptions)options)),
        new(
            "reinforce++", "2501.03262, as in verl, without a token discount", typeof(ReinforcePlusPlusOptions), UsesGains: false,
            options => new ReinforcePlusPlus((ReinforcePlusPlusOptions)options)),
        new(
            "reinforce++-baseline", "2501.03262, as in verl", typeof(ReinforcePlusPlusBaselineOptions), UsesGains: false,
            options => new ReinforcePlusPlusBaseline((ReinforcePlusPlusBaselineOptions)options)),
        new("gigpo", "2505.10978, as in verl-agent", typeof(GigpoOptions), UsesGains: false, options => new Gigpo((GigpoOptions)options)),
        new(
            "gtpo", "2511.14846, a reconstruction: the paper's body could not be read", typeof(GtpoOptions), UsesGains: false,
            options => new Gtpo((GtpoOptions)options)),
        new("igpo", "2510.14967, paper and released code", typeof(IgpoOptions), UsesGains: true, options => new Igpo((IgpoOptions)options)),
        new(
            "a2tgpo", "2605.06200, paper and released code", typeof(A2tgpoOptions), UsesGains: true,
            options => new A2tgpo((A2tgpoOptions)options)),
        new("turn-peer", "this project", typeof(TurnPeerOptions), UsesGains: true, options => new TurnPeer((TurnPeerOptions)options)),
        new("istar", "2509.19199, as others restate it", typeof(IstarOptions), UsesGains: false, options => new Istar((IstarOptions)options)),
    ];

    /// <summary>The method of that name.</summary>
    /// <param name="name">Its name.</param>
    /// <exception cref="CreditException">There is none.</exception>
    public static AdvantageEstimatorEntry Find(string name) =>
        All.FirstOrDefault(entry => entry.Name == name)
        ?? throw new CreditException($"unknown algorithm '{name}'; there are {string.Join(", ", All.Select(entry => entry.Name))}");

    /// <summary>An estimator from its name and options given as text.</summary>
    /// <param name="name">The method's name.</param>
    /// <param name="options">Values by option name; what is not given keeps its default.</param>
    /// <exception cref="CreditException">An unknown name or option, or a value that is of the wrong kind or out of range.</exception>
    public static IAdvantageEstimator Create(string name, IReadOnlyDictionary<string, string>? options = null)
    {
        var entry = Find(name);
        return entry.Create(OptionNames.Bind(name, entry.Options, options ?? new Dictionary<string, string>()));
    }
}

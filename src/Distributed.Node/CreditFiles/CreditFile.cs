using System.Text.Json;
using Distributed.Credit;

namespace Distributed.Node.CreditFiles;

/// <summary>Credit as JSON, format <c>distributed-credit</c> version 1: docs/credit-format.md.</summary>
internal static class CreditFile
{
    /// <summary>The format's name.</summary>
    public const string Format = "distributed-credit";

    /// <summary>Its version.</summary>
    public const int Version = 1;

    private static readonly JsonWriterOptions Written = new() { Indented = true, IndentSize = 1 };

    /// <summary>Credits every group; those of one step are one batch.</summary>
    /// <exception cref="RefusedException">The method cannot use the groups.</exception>
    public static IReadOnlyList<GroupCredit> Assign(IAdvantageEstimator estimator, IReadOnlyList<FileGroup> groups, string file)
    {
        var credit = new GroupCredit[groups.Count];
        foreach (var batch in groups.Select((group, place) => (group, place)).GroupBy(entry => entry.group.Step))
        {
            var members = batch.ToArray();
            try
            {
                var assigned = estimator.Assign([.. members.Select(entry => entry.group.Group)]);
                for (var i = 0; i < members.Length; i++) credit[members[i].place] = assigned.Groups[i];
            }
            catch (CreditException e)
            {
                throw new RefusedException($"{file}: {e.Message}", e);
            }
        }

        return credit;
    }

    /// <summary>Writes credit in the groups' order.</summary>
    public static void Write(Stream stream, IAdvantageEstimator estimator, IReadOnlyDictionary<string, string> options, IReadOnlyList<FileGroup> groups, IReadOnlyList<GroupCredit> credit)
    {
        using var json = new Utf8JsonWriter(stream, Written);
        json.WriteStartObject();
        json.WriteString("format", Format);
        json.WriteNumber("version", Version);
        json.WriteString("estimator", estimator.Name);
        json.WriteStartObject("options");
        foreach (var (name, value) in options.OrderBy(option => option.Key, StringComparer.Ordinal)) json.WriteString(name, value);
        json.WriteEndObject();
        json.WriteStartArray("groups");
        for (var g = 0; g < credit.Count; g++)
        {
            json.WriteStartObject();
            json.WriteString("id", credit[g].Id);
            if (groups[g].Step is { } step) json.WriteNumber("step", step);
            json.WriteStartArray("rollouts");
            foreach (var rollout in credit[g].Rollouts) Write(json, rollout);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, RolloutCredit rollout)
    {
        json.WriteStartObject();
        Numbers("advantages", rollout.Advantages);
        Numbers("clip_scales", rollout.ClipScales);
        json.WriteNumber("outcome_score", rollout.OutcomeScore);
        if (rollout.NormalizedGains is { } gains) Numbers("normalized_gains", gains);
        if (rollout.ProcessReturns is { } returns) Numbers("process_returns", returns);
        json.WriteEndObject();

        void Numbers(string name, IEnumerable<double> values)
        {
            json.WriteStartArray(name);
            foreach (var value in values) json.WriteNumberValue(value);
            json.WriteEndArray();
        }
    }
}

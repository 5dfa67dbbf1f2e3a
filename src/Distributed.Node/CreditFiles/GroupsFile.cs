using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Distributed.Credit;
using Distributed.Node.Runs;

namespace Distributed.Node.CreditFiles;

/// <summary>A scored group of a file.</summary>
/// <param name="Step">The step that trained on it; groups of one step are one batch to methods that compare over a batch. Null: none was said.</param>
/// <param name="Group">The group.</param>
/// <param name="Used">The advantages the run trained with, by rollout and turn; null where none were said.</param>
internal sealed record FileGroup(int? Step, ScoredGroup Group, IReadOnlyList<IReadOnlyList<double>?> Used);

/// <summary>Scored groups as JSON, format <c>distributed-groups</c> version 1: docs/credit-format.md.</summary>
internal static class GroupsFile
{
    /// <summary>The format's name.</summary>
    public const string Format = "distributed-groups";

    /// <summary>Its version.</summary>
    public const int Version = 1;

    private const long MostBytes = 1L << 30;
    private static readonly JsonWriterOptions Written = new() { Indented = true, IndentSize = 1 };

    /// <summary>Reads a file.</summary>
    /// <exception cref="RefusedException">It cannot be used; the line names the JSON path and the mend.</exception>
    public static IReadOnlyList<FileGroup> Read(string path)
    {
        var bytes = Disk.Guard(path, () => new FileInfo(path) is { Exists: true, Length: > MostBytes } file
            ? throw new RefusedException($"{path}: {file.Length} bytes are more than {MostBytes}; split the file")
            : File.ReadAllBytes(path), "read");
        return Parse(bytes, path);
    }

    /// <summary>Reads the bytes of the file <paramref name="name"/>.</summary>
    public static IReadOnlyList<FileGroup> Parse(ReadOnlyMemory<byte> json, string name)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return Groups(new JsonField(name, "$", document.RootElement));
        }
        catch (JsonException e)
        {
            throw new RefusedException(string.Create(CultureInfo.InvariantCulture, $"{name}: is no JSON (line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}); mend it there"), e);
        }
    }

    /// <summary>Writes groups.</summary>
    public static void Write(Stream stream, IReadOnlyList<FileGroup> groups)
    {
        using var json = new Utf8JsonWriter(stream, Written);
        json.WriteStartObject();
        json.WriteString("format", Format);
        json.WriteNumber("version", Version);
        json.WriteStartArray("groups");
        foreach (var (step, group, used) in groups)
        {
            json.WriteStartObject();
            json.WriteString("id", group.Id);
            if (step is { } number) json.WriteNumber("step", number);
            json.WriteStartArray("rollouts");
            for (var i = 0; i < group.Rollouts.Length; i++) Write(json, group.Rollouts[i], used[i]);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, ScoredRollout rollout, IReadOnlyList<double>? used)
    {
        json.WriteStartObject();
        json.WriteNumber("outcome", rollout.Outcome);
        Numbers(json, "turn_tokens", rollout.TurnTokens.Select(tokens => (double?)tokens));
        if (rollout.Gains is { } gains) Numbers(json, "gains", gains.Select(gain => double.IsFinite(gain) ? gain : (double?)null));
        if (used is not null) Numbers(json, "advantages", used.Select(advantage => (double?)advantage));
        if (!rollout.Signals.IsEmpty)
        {
            json.WriteStartArray("signals");
            foreach (var signals in rollout.Signals) SignalsJson.Write(json, signals);
            json.WriteEndArray();
        }

        json.WriteEndObject();
    }

    private static void Numbers(Utf8JsonWriter json, string name, IEnumerable<double?> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values)
        {
            if (value is { } number) json.WriteNumberValue(number);
            else json.WriteNullValue();
        }

        json.WriteEndArray();
    }

    private static IReadOnlyList<FileGroup> Groups(JsonField root)
    {
        root.Object("format", "version", "groups", "note");
        if (root["format"].TextOrNull($"\"{Format}\"") != Format) throw root["format"].Refuse($"\"{Format}\"");
        if (root["version"].Whole("1") != Version) throw root["version"].Refuse($"{Version}, the version this program reads");
        var groups = root["groups"].Items("a list of groups").Select(Group).ToArray();
        return groups.Length > 0 ? groups : throw new RefusedException($"{root.File}: $.groups: is empty; give at least one group");
    }

    private static FileGroup Group(JsonField group)
    {
        group.Object("id", "step", "rollouts", "note");
        var rollouts = group["rollouts"].Items("a list of rollouts").ToArray();
        var scored = new ScoredGroup(group["id"].Text("the prompt's id, a text"), [.. rollouts.Select(Rollout)]);
        try
        {
            scored.Validate();
        }
        catch (CreditException e)
        {
            throw new RefusedException($"{group.File}: {group.Path}: {e.Message}", e);
        }

        return new FileGroup(group["step"].IsThere ? group["step"].Whole("the step, a whole number") : null, scored, [.. rollouts.Select((rollout, i) => Used(rollout, scored.Rollouts[i]))]);
    }

    private static ScoredRollout Rollout(JsonField rollout)
    {
        rollout.Object("outcome", "turn_tokens", "gains", "advantages", "signals", "note");
        ImmutableArray<double>? gains = rollout["gains"].IsThere
            ? [.. rollout["gains"].Items("a list of numbers").Select(gain => gain.IsThere ? gain.Number("a number, or null where the gain is not known") : double.NaN)]
            : null;
        return new ScoredRollout(
            rollout["outcome"].Number("the outcome reward, a number"),
            [.. rollout["turn_tokens"].Items("a list with the number of sampled tokens of each turn, the final one's last").Select(tokens => tokens.Whole("a whole number of tokens"))],
            gains)
        {
            Signals = rollout["signals"].IsThere ? [.. rollout["signals"].Items("a list of signals, one for each turn").Select(SignalsJson.Read)] : [],
        };
    }

    private static IReadOnlyList<double>? Used(JsonField rollout, ScoredRollout scored)
    {
        if (!rollout["advantages"].IsThere) return null;
        var used = rollout["advantages"].Items("a list of numbers").Select(advantage => advantage.Number("a number")).ToArray();
        return used.Length == scored.TurnCount ? used : throw rollout["advantages"].Refuse(string.Create(CultureInfo.InvariantCulture, $"{scored.TurnCount} numbers, one for each turn"));
    }
}

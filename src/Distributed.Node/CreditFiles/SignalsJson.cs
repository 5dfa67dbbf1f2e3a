using System.Text.Json;
using Distributed.Credit;

namespace Distributed.Node.CreditFiles;

/// <summary>What is known about a turn, as JSON; what is not known is left out.</summary>
internal static class SignalsJson
{
    /// <summary>Reads one turn's.</summary>
    public static TurnSignals Read(JsonField signals)
    {
        signals.Object("anchor", "malformed", "called_tool", "code", "retrieval_rank", "tool_calls", "process_reward");
        return new TurnSignals
        {
            Anchor = signals["anchor"].TextOrNull("a text: what the agent saw when the turn began"),
            Malformed = signals["malformed"].Flag(),
            CalledTool = signals["called_tool"].Flag(),
            Code = signals["code"].TextOrNull("a text: the program the turn wrote"),
            RetrievalRank = signals["retrieval_rank"].IsThere ? signals["retrieval_rank"].Whole("a whole number, 1 for the first place") : null,
            ToolCalls = signals["tool_calls"].IsThere ? Match(signals["tool_calls"]) : null,
            ProcessReward = signals["process_reward"].IsThere ? signals["process_reward"].Number("a number: the turn's reward by a process reward model") : null,
        };
    }

    /// <summary>Writes one turn's.</summary>
    public static void Write(Utf8JsonWriter json, TurnSignals signals)
    {
        json.WriteStartObject();
        if (signals.Anchor is { } anchor) json.WriteString("anchor", anchor);
        if (signals.Malformed) json.WriteBoolean("malformed", true);
        if (signals.CalledTool) json.WriteBoolean("called_tool", true);
        if (signals.Code is { } code) json.WriteString("code", code);
        if (signals.RetrievalRank is { } rank) json.WriteNumber("retrieval_rank", rank);
        if (signals.ProcessReward is { } reward) json.WriteNumber("process_reward", reward);
        if (signals.ToolCalls is { } match)
        {
            json.WriteStartObject("tool_calls");
            json.WriteBoolean("well_formed", match.WellFormed);
            Write(json, "predicted", match.Predicted);
            Write(json, "expected", match.Expected);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static ToolCallMatch Match(JsonField match)
    {
        match.Object("well_formed", "predicted", "expected");
        return new ToolCallMatch(match["well_formed"].Flag(), Calls(match["predicted"]), Calls(match["expected"]));
    }

    private static IReadOnlyList<ToolCall> Calls(JsonField calls) => [.. calls.Items("a list of tool calls").Select(call =>
    {
        call.Object("tool", "arguments");
        var arguments = call["arguments"];
        if (arguments.Value.ValueKind != JsonValueKind.Object) throw arguments.Refuse("an object of texts by name");
        return new ToolCall(call["tool"].Text("the tool's name"), arguments.Value.EnumerateObject().Select(property => property.Name).Distinct()
            .ToDictionary(name => name, name => arguments[name].Text("a text"), StringComparer.Ordinal));
    })];

    private static void Write(Utf8JsonWriter json, string name, IReadOnlyList<ToolCall> calls)
    {
        json.WriteStartArray(name);
        foreach (var call in calls)
        {
            json.WriteStartObject();
            json.WriteString("tool", call.Tool);
            json.WriteStartObject("arguments");
            foreach (var (key, value) in call.Arguments) json.WriteString(key, value);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}

using Distributed.Environments.Search;
using Distributed.Ports;

namespace Distributed.Environments.World;

/// <summary>
/// Judges the turns of a search-world episode by the chain the question follows. What is needed at a turn is the first fact of the chain that no reply has
/// shown yet; once all have been shown, an answer.
/// </summary>
/// <param name="world">The facts.</param>
/// <param name="noReply">What the agent reads when a search failed: such a turn retrieved nothing.</param>
internal sealed class ChainJudge(SearchWorld world, string noReply)
{
    private const string Tool = "search", Entity = "entity", RelationName = "relation", Query = "query";

    /// <summary>One judgement for each turn.</summary>
    public IReadOnlyList<TurnJudgement> Judge(ChainQuestion question, SearchTool tool, IReadOnlyList<TurnText> turns)
    {
        var judged = new TurnJudgement[turns.Count];
        var (at, step) = (question.Entity, 0);
        for (var turn = 0; turn < turns.Count; turn++)
        {
            var parsed = TurnFormat.Parse(turns[turn].Action);
            var open = step < question.Relations.Length;
            NamedCall[] expected = open ? [Call(EntityNames.Text(at), Relation.All[question.Relations[step]].Word)] : [];
            NamedCall[] made = parsed is AgentTurn.Search asked ? [Read(asked.Query)] : [];
            int? rank = null;
            if (open && parsed is AgentTurn.Search search && turns[turn].Observation is { } read && read != noReply)
            {
                rank = RankOf(tool.Find(search.Query), at, question.Relations[step]);
                if (rank is not null)
                {
                    at = world.Fact(at, question.Relations[step]);
                    step++;
                }
            }

            judged[turn] = new TurnJudgement(rank, new JudgedCalls(parsed is not AgentTurn.Malformed, made, expected));
        }

        return judged;
    }

    private int? RankOf(IReadOnlyList<Passage> found, int entity, int relation)
    {
        var (title, fact) = (EntityNames.Text(entity), $" {Relation.All[relation].Wording(world.WordingOf(entity, relation))} {EntityNames.Text(world.Fact(entity, relation))} ");
        for (var place = 0; place < found.Count; place++)
        {
            if (found[place].Title == title && $" {found[place].Text} ".Contains(fact, StringComparison.Ordinal))
                return place + 1;
        }

        return null;
    }

    // A query is a name of two words and a relation, which counts by what it means, not by how it is worded.
    private static NamedCall Read(string query)
    {
        var words = query.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length != 3)
            return new NamedCall(Tool, new Dictionary<string, string> { [Query] = query });
        var relation = Relation.All.FirstOrDefault(known => known.Word == words[2] || known.OtherWord == words[2]);
        return Call($"{words[0]} {words[1]}", relation?.Word ?? words[2]);
    }

    private static NamedCall Call(string entity, string relation) =>
        new(Tool, new Dictionary<string, string> { [Entity] = entity, [RelationName] = relation });
}
